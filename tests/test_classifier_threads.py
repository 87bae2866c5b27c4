"""Threads for the classifier: faster or not, the events and their order are those of one thread."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ser_track.chunk import WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.classifier_threads import OrderedClassification
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.errors import InferenceError
from ser_track.event_types import Emotion, Event, SpeechEnded, StreamKey
from ser_track.models import new_engine
from ser_track.output.wire import to_line
from ser_track.protocols import DetectorState, Prediction
from ser_track.recordings.file import open_tracks
from ser_track.replay import replay
from ser_track.voice_profile import VoiceProfile
from tests.helpers.fake_models import EnergyDetector, LevelClassifier
from tests.paths import DATA

CONFIG = PipelineConfig()


class SlowerEachTime(LevelClassifier):
    """A stand-in that takes longer for what comes first, so that answers are ready in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        self.asked += 1
        time.sleep(0.05 if self.asked % 2 else 0.0)
        return super().classify(samples, voice)


def events(path: Path, engine: Engine, threads: int) -> list[Event]:
    with open_tracks(path, False) as recording:
        return list(replay(recording, "file", engine, 16_000, threads=threads))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_real_models_give_the_same_on_threads(threads: int) -> None:
    for name in ("spoken.wav", "spoken_two_tracks.mka"):
        alone, beside = (events(DATA / name, new_engine(CONFIG), n) for n in (0, threads))
        assert sum(isinstance(event, Emotion) for event in alone) > 2
        assert [to_line(event) for event in beside] == [to_line(event) for event in alone]


def test_answers_come_in_the_order_of_the_questions() -> None:
    engine = Engine(EnergyDetector(), SlowerEachTime(), CONFIG)
    found = events(DATA / "spoken_two_tracks.mka", engine, 2)
    for participant in {event.key.participant for event in found}:
        ends = [event.segment for event in found if isinstance(event, SpeechEnded) and event.classified]
        finals = [e.segment for e in found if isinstance(e, Emotion) and e.final and e.key.participant == participant]
        assert finals == sorted(finals)
        assert set(finals) <= set(ends)


class FailsLater(EnergyDetector):
    """A stand-in for a detector that fails after a while: no real one can be made to."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        self.calls += 1
        if self.calls > 12:
            raise RuntimeError("out of memory")
        return super().detect_run(windows, state)


def test_when_the_detector_fails_what_came_before_is_told_all_the_same() -> None:
    told: dict[int, list[Event]] = {0: [], 2: []}
    for threads, found in told.items():
        engine = Engine(FailsLater(), SlowerEachTime(), CONFIG)
        with open_tracks(DATA / "spoken.wav", False) as recording, pytest.raises(InferenceError, match="memory"):
            found.extend(replay(recording, "file", engine, 16_000, threads=threads))
    assert any(isinstance(event, Emotion) for event in told[0])
    assert told[2] == told[0]


class FailsAtTheEnd(EnergyDetector):
    """A stand-in for a detector that fails on the last windows, which only the end of the file completes."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.left = good

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        self._use(len(windows))
        return super().detect(windows, states)

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        self._use(len(windows))
        return super().detect_run(windows, state)

    def _use(self, windows: int) -> None:
        self.left -= windows
        if self.left < 0:
            raise RuntimeError("out of memory")


def test_when_it_fails_at_the_end_what_came_before_is_told_too() -> None:
    told: dict[int, list[Event]] = {0: [], 1: []}
    with open_tracks(DATA / "spoken.wav", False) as recording:
        windows = -(-sum(len(piece.chunk.samples) for piece in recording) // WINDOW_SAMPLES)
    for threads, found in told.items():
        engine = Engine(FailsAtTheEnd(windows - 1), SlowerEachTime(), CONFIG)
        with open_tracks(DATA / "spoken.wav", False) as recording, pytest.raises(InferenceError, match="memory"):
            found.extend(replay(recording, "file", engine, 16_000, threads=threads))
    assert any(isinstance(event, Emotion) for event in told[0])
    assert told[1] == told[0]


def test_leaving_early_waits_for_nothing_that_has_not_begun() -> None:
    engine = Engine(EnergyDetector(), SlowerEachTime(), CONFIG)
    key = StreamKey("file", "ann", "1")
    engine.open(key)
    engine.push(key, Chunk(0, np.full(16_000 * 60, 0.5, np.float32)))
    with OrderedClassification(engine, 1) as answers:
        list(answers.after(*engine.advance()))
    assert engine.queue_length == 0
