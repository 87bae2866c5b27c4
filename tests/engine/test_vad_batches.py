"""Runs: many windows of one stream at once are heard as they are one by one, with every window before remembered."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import EngineEvent, SpeechEnded, SpeechStarted
from ser_track.models.silero import SileroVad
from ser_track.protocols import DetectorState
from tests.helpers.engine_calls import CONFIG, Pieces, Way, key, lasting, new_engine, play, streams
from tests.helpers.fake_models import EnergyDetector, ForgetfulDetector, LevelClassifier
from tests.helpers.signals import noise
from training.corpora import CORPORA, read_audio, read_clips


class RecordingDetector(EnergyDetector):
    """The stand-in, which notes how many windows each call had, of streams and of runs."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[int] = []
        self.runs: list[int] = []

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        self.streams.append(len(windows))
        return super().detect(windows, states)

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        self.runs.append(len(windows))
        return np.concatenate([EnergyDetector.detect(self, window[None], [state]) for window in windows])


@given(streams(), st.sampled_from([512, 3_000, 9_000, 40_000, 10**6]))
def test_every_window_is_heard_once_and_in_order_in_runs_and_one_by_one(call: list[Pieces], block: int) -> None:
    config = replace(CONFIG, vad_min_confidence=0.3)

    def played(block: int) -> list[list[EngineEvent]]:
        return play(call, Way(block=block), new_engine(len(call), ForgetfulDetector(), config=config))

    assert [lasting(events) for events in played(block)] == [lasting(events) for events in played(512)]


def test_a_live_call_is_heard_stream_by_stream_and_a_recording_in_runs_of_bounded_length() -> None:
    detector = RecordingDetector()
    engine = new_engine(3, detector)
    for stream in range(3):
        engine.push(key(stream), Chunk(0, noise(2 * WINDOW_SAMPLES)))
    engine.tick()
    assert (detector.streams, detector.runs) == ([3, 3], [])
    engine.push(key(1), Chunk(2 * WINDOW_SAMPLES, noise(1_000 * WINDOW_SAMPLES)))
    engine.push(key(2), Chunk(2 * WINDOW_SAMPLES, noise(WINDOW_SAMPLES)))
    engine.tick()
    assert sum(detector.runs) + sum(detector.streams[2:]) == 1_001
    assert max(detector.runs) < 300
    assert len(detector.runs) < 20


def test_a_gap_ends_a_run_and_shifts_nothing() -> None:
    engine = new_engine(1, RecordingDetector())
    for at in (0, 40 * WINDOW_SAMPLES, 100 * WINDOW_SAMPLES):
        engine.push(key(0), Chunk(at, noise(20 * WINDOW_SAMPLES)))
    events = engine.flush(key(0))
    starts = [event.start_s for event in events if isinstance(event, SpeechStarted)]
    ends = [event.end_s for event in events if isinstance(event, SpeechEnded)]
    assert starts == pytest.approx([0, 1.28, 3.2])
    assert ends == pytest.approx([0.64, 1.92, 3.84])


class FadingDetector(RecordingDetector):
    """The stand-in, which notes after how many windows its memory faded."""

    def __init__(self) -> None:
        super().__init__()
        self.faded: list[int] = []

    def fade(self, state: DetectorState) -> None:
        self.faded.append(sum(self.runs) + sum(self.streams))


@pytest.mark.parametrize("step", [1, 7, 500])
def test_the_memory_of_a_detector_fades_once_when_a_second_was_left_out(step: int) -> None:
    detector = FadingDetector()
    engine = new_engine(1, detector)
    at = 0
    for gap in (10, 30, 31, 500):
        engine.push(key(0), Chunk(at * WINDOW_SAMPLES, noise(20 * WINDOW_SAMPLES)))
        engine.tick()
        at += 20
        for passed in range(step, gap + 1, step):
            engine.push(key(0), Chunk((at + passed) * WINDOW_SAMPLES, np.empty(0, np.float32)))
            engine.tick()
        at += gap
    engine.push(key(0), Chunk(at * WINDOW_SAMPLES, noise(WINDOW_SAMPLES)))
    engine.tick()
    assert detector.faded == [60, 80]


def borders(samples: FloatArray, block: int) -> list[tuple[float, float, str]]:
    """Segments of ``samples`` heard by the real detector, ``block`` samples a tick."""
    engine, events = Engine(SileroVad(), LevelClassifier(), PipelineConfig()), list[EngineEvent]()
    engine.open(key(0))
    for at in range(0, len(samples), block):
        engine.push(key(0), Chunk(at, samples[at : at + block]))
        events += engine.tick(provisional=False)
    events += engine.flush(key(0))
    return [(event.start_s, event.end_s, event.reason) for event in events if isinstance(event, SpeechEnded)]


def test_real_speech_has_the_same_segments_in_runs_and_one_by_one(spoken: FloatArray) -> None:
    quiet = np.zeros(40_000, np.float32)
    parts = [spoken, quiet, spoken * np.float32(0.3), noise(50_000, peak=0.02), spoken[::2], quiet, spoken]
    samples = np.concatenate(parts).astype(np.float32)
    one_by_one = borders(samples, WINDOW_SAMPLES)
    assert len(one_by_one) > 10
    for block in (16_000, 160_000, len(samples)):
        assert borders(samples, block) == one_by_one


@pytest.mark.shared
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the corpora beside the repository (../shared/corpora)")
def test_speech_of_many_people_has_the_same_segments_in_runs_and_one_by_one() -> None:
    clips = [clip for corpus in ("cremad", "ravdess", "javanese") for clip in read_clips(corpus)[::400]]
    samples = np.concatenate([read_audio(clip) for clip in clips])
    assert borders(samples, 160_000) == borders(samples, WINDOW_SAMPLES)


class ForgetfulRunsDetector(ForgetfulDetector):
    """The stand-in, which takes several windows of each of several streams, and notes how many."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = list[tuple[int, int]]()

    def detect_runs(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        self.runs.append(windows.shape[:2])
        return np.stack([self.detect(each, states) for each in windows])


@given(streams(), st.sampled_from([512, 2_048, 3_000]))
def test_several_windows_of_several_streams_are_heard_as_one_by_one(call: list[Pieces], block: int) -> None:
    config = replace(CONFIG, vad_min_confidence=0.3)
    five = (call * 5)[:5]

    def played(detector: ForgetfulDetector) -> list[list[EngineEvent]]:
        return play(five, Way(block=block), new_engine(5, detector, config=config))

    assert [lasting(events) for events in played(ForgetfulRunsDetector())] == [
        lasting(events) for events in played(ForgetfulDetector())
    ]


def test_silent_streams_that_bring_several_windows_need_one_call() -> None:
    detector = ForgetfulRunsDetector()
    engine = new_engine(6, detector)
    for stream in range(6):
        engine.push(key(stream), Chunk(0, noise((5 if stream else 1) * WINDOW_SAMPLES)))
    engine.tick()
    assert detector.runs == [(4, 5)]
