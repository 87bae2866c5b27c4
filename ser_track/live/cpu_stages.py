"""CPU time by stage: one counter per stage of a sample's path."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.protocols import (
    DetectorState,
    EmotionClassifier,
    FadingDetector,
    Prediction,
    RunsDetector,
    VoiceDetector,
)
from ser_track.voice_profile import VoiceProfile

Stage = Literal["receive", "decode", "segment", "detect", "classify", "other"]
STAGES: Final[tuple[Stage, ...]] = ("receive", "decode", "segment", "detect", "classify", "other")


class CpuStages:
    """CPU seconds of the threads that use it, by stage. In nested stages, time counts for the inner one."""

    def __init__(self) -> None:
        self._threads: list[_ThreadStages] = []
        self._own = threading.local()

    @property
    def cpu_s(self) -> dict[Stage, float]:
        """CPU seconds so far, of all threads together."""
        return {stage: sum(thread.cpu_s[stage] for thread in self._threads) for stage in STAGES}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count the CPU time of the block for ``name``. The thread's time outside of any block counts as "other"."""
        thread = self._of_this_thread()
        outer = thread.switch(name)
        try:
            yield
        finally:
            thread.switch(outer)

    def _of_this_thread(self) -> "_ThreadStages":
        found: _ThreadStages | None = getattr(self._own, "stages", None)
        if found is None:
            found = self._own.stages = _ThreadStages()
            self._threads.append(found)
        return found


class _ThreadStages:
    """One thread's CPU seconds by stage: each thread has its own clock."""

    def __init__(self) -> None:
        self.cpu_s: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self._current: Stage = "other"
        self._since = 0.0

    def switch(self, name: Stage) -> Stage:
        """Count from now on for ``name``; returns the stage before."""
        now, before = time.thread_time(), self._current
        self.cpu_s[before] += now - self._since
        self._current, self._since = name, now
        return before


class TimedDetector:
    """A `VoiceDetector` whose CPU time is counted."""

    def __init__(self, detector: VoiceDetector, stages: CpuStages) -> None:
        self._detector = detector
        self._stages = stages

    def new_state(self) -> DetectorState:
        """See `VoiceDetector`."""
        return self._detector.new_state()

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """See `VoiceDetector`."""
        with self._stages.stage("detect"):
            return self._detector.detect(windows, states)

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """See `VoiceDetector`."""
        with self._stages.stage("detect"):
            return self._detector.detect_run(windows, state)

    def detect_runs(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """See `RunsDetector`."""
        with self._stages.stage("detect"):
            if isinstance(self._detector, RunsDetector):
                return self._detector.detect_runs(windows, states)
            return np.stack([self._detector.detect(each, states) for each in windows])

    def fade(self, state: DetectorState) -> None:
        """See `FadingDetector`."""
        if isinstance(self._detector, FadingDetector):
            self._detector.fade(state)


class TimedClassifier:
    """An `EmotionClassifier` whose CPU time is counted."""

    def __init__(self, classifier: EmotionClassifier, stages: CpuStages) -> None:
        self.name = classifier.name
        self.labels = classifier.labels
        self._classifier = classifier
        self._stages = stages

    def new_voice(self) -> VoiceProfile | None:
        """See `EmotionClassifier`."""
        return self._classifier.new_voice()

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """See `EmotionClassifier`."""
        with self._stages.stage("classify"):
            return self._classifier.classify(samples, voice)
