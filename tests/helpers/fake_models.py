"""Fakes of the two networks, so that the engine's promises can be checked against signals made in code.

They are no models: the detector hears loudness, the classifier tells segments apart by level and length. Both depend on
everything they are given, the detector on its state too, so that mixed-up streams, states or samples show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.labels import FOUR
from ser_track.protocols import DetectorState, Prediction
from ser_track.voice_profile import VoiceProfile


@dataclass(slots=True)
class EnergyState:
    """Loudness of the window before."""

    previous: float = 0.0


class EnergyDetector:
    """Fake `VoiceDetector`: 0.5 where a window, with a fifth of the one before, has an RMS of ``threshold``."""

    def __init__(self, threshold: float = 0.1) -> None:
        self._threshold = threshold

    def new_state(self) -> EnergyState:
        """Nothing heard."""
        return EnergyState()

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Loudness as a probability."""
        levels = np.sqrt((windows.astype(np.float64) ** 2).mean(axis=1))
        probabilities = np.zeros(len(levels), np.float32)
        for index, (level, state) in enumerate(zip(levels, cast("Sequence[EnergyState]", states), strict=True)):
            probabilities[index] = min(1.0, 0.5 * (level + 0.2 * state.previous) / self._threshold)
            state.previous = float(level)
        return probabilities

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """One after the other."""
        return np.concatenate([self.detect(window[None], [state]) for window in windows])


class FaultyDetector(EnergyDetector):
    """Fake that gives what ``answer`` makes of the right answer, and counts its calls.

    A run is one call if ``runs``, else as many as it has windows.
    """

    def __init__(self, answer: Callable[[int, FloatArray], FloatArray], runs: bool = False) -> None:
        super().__init__()
        self._answer = answer
        self._runs = runs
        self.calls = 0

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """``answer(call, probabilities)``."""
        self.calls += 1
        return self._answer(self.calls, super().detect(windows, states))

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """``answer(call, probabilities)``."""
        if not self._runs:
            return super().detect_run(windows, state)
        self.calls += 1
        right = np.concatenate([EnergyDetector.detect(self, window[None], [state]) for window in windows])
        return self._answer(self.calls, right)


class ForgetfulDetector(EnergyDetector):
    """Fake that forgets slowly: each answer depends on all windows before, and on their order."""

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """A number between 0 and 1 that no other history has."""
        answers = np.zeros(len(windows), np.float32)
        for index, (window, state) in enumerate(zip(windows, cast("Sequence[EnergyState]", states), strict=True)):
            state.previous = (0.999 * state.previous + float(np.abs(window).sum()) + 0.1) % 1.0
            answers[index] = state.previous
        return answers


class LevelClassifier:
    """Fake `EmotionClassifier`: a distribution made from a segment's level, length and first sample."""

    name = "level@1"
    labels = FOUR

    def new_voice(self) -> VoiceProfile | None:
        """Knows no voices."""
        return None

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Four shares, summing to 1."""
        weights = np.array([np.abs(samples).mean(), len(samples) / 160_000, abs(float(samples[0])), 0.3])
        return Prediction(np.asarray(weights / weights.sum(), np.float32))


class FaultyClassifier(LevelClassifier):
    """Fake that gives what ``answer`` makes of the segment and the right answer."""

    def __init__(self, answer: Callable[[FloatArray, FloatArray], FloatArray]) -> None:
        self._answer = answer

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """``answer(samples, probabilities)``."""
        return Prediction(self._answer(samples, super().classify(samples).probabilities))


class VoiceClassifier(LevelClassifier):
    """Fake that knows voices: a segment's embedding is its level, and what was usual before makes it more neutral."""

    def new_voice(self) -> VoiceProfile:
        """Nothing heard."""
        return VoiceProfile(1)

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """The level above the voice's own is anger."""
        level = np.array([np.abs(samples).mean()], np.float32)
        usual = voice.mean if voice is not None else np.zeros(1, np.float32)
        anger = float(np.clip(level - usual, 0, 1)[0])
        return Prediction(np.array([anger, 0, 0, 1 - anger], np.float32), embedding=level)
