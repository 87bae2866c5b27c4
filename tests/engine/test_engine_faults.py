"""Engine: a model that fails is heard of, harms as little as possible, and is never taken for silence."""

import numpy as np
import pytest

from ser_track.chunk import Chunk, FloatArray
from ser_track.engine.engine import Engine
from ser_track.errors import InferenceError
from ser_track.event_types import Emotion, EngineEvent, Fault, SpeechEnded, SpeechStarted
from tests.helpers.engine_calls import key, new_engine
from tests.helpers.fake_models import FaultyClassifier, FaultyDetector
from tests.helpers.signals import noise, talk


def nan(call: int, probabilities: FloatArray) -> FloatArray:
    return probabilities * np.float32("nan") if call == 20 else probabilities


def too_few(call: int, probabilities: FloatArray) -> FloatArray:
    return probabilities[1:] if call == 20 else probabilities


def raising(call: int, probabilities: FloatArray) -> FloatArray:
    if call == 20:
        raise RuntimeError("out of memory")
    return probabilities


def faults_of_ticks(engine: Engine, streams: int, audio: FloatArray, block: int) -> tuple[int, list[EngineEvent]]:
    """Push ``audio`` to every stream, ``block`` samples a tick: how many ticks failed, and all events."""
    failed, events = 0, list[EngineEvent]()
    for at in range(0, len(audio), block):
        for stream in range(streams):
            engine.push(key(stream), Chunk(at, audio[at : at + block]))
        try:
            events += engine.tick()
        except InferenceError as error:
            failed += str(error).startswith("voice detector: ")
    return failed, events


@pytest.mark.parametrize("answer", [nan, too_few, raising])
def test_a_detector_that_fails_raises_an_inference_error_and_recovers(answer: object) -> None:
    assert callable(answer)
    engine = new_engine(2, FaultyDetector(answer))
    failed, events = faults_of_ticks(engine, 2, talk(1.0, 1.0), 512)
    assert failed == 1
    events += [*engine.flush(key(0)), *engine.flush(key(1))]
    for stream in range(2):
        own = [event for event in events if event.key == key(stream)]
        assert [type(event) for event in own if not (isinstance(event, Emotion) and not event.final)] == [
            SpeechStarted,
            SpeechEnded,
            Emotion,
        ]


@pytest.mark.parametrize("block", [512, 7 * 512])
def test_the_window_on_which_the_detector_failed_shifts_no_later_time(block: int) -> None:
    detector = FaultyDetector(raising)
    engine = new_engine(1, detector)
    failed, events = faults_of_ticks(engine, 1, talk(1.0, 1.0), block)
    (ended,) = (event for event in events if isinstance(event, SpeechEnded))
    assert (failed, ended.end_s, detector.calls) == (1, 1.024, 62)


@pytest.mark.parametrize("answer", [nan, too_few, raising])
def test_a_run_on_which_the_detector_failed_is_a_gap_and_shifts_no_later_time(answer: object) -> None:
    assert callable(answer)

    def at_once(call: int, probabilities: FloatArray) -> FloatArray:
        answered: FloatArray = answer(20 if call == 1 else call, probabilities)
        return answered

    engine = new_engine(1, FaultyDetector(at_once, runs=True))
    # One second of voice is lost with the run it is in; what comes next is heard at its own time.
    failed, events = faults_of_ticks(engine, 1, np.concatenate([talk(1.0), talk(1.0, 1.0)])[: 93 * 512], 31 * 512)
    started, ended = (event for event in events if isinstance(event, SpeechStarted | SpeechEnded))
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert (failed, started.start_s, ended.end_s) == (1, 31 * 0.032, 63 * 0.032)


def test_flush_forgets_the_stream_even_if_the_detector_fails() -> None:
    engine = new_engine(1, FaultyDetector(raising))
    engine.push(key(0), Chunk(0, talk(1.0)))
    with pytest.raises(InferenceError):
        engine.flush(key(0))
    with pytest.raises(KeyError):
        engine.push(key(0), Chunk(16_000, noise(10)))
    assert engine.tick() == []


def quiet_ones_raise(samples: FloatArray, answer: FloatArray) -> FloatArray:
    if np.abs(samples).max() < 0.3:
        raise ValueError("too quiet")
    return answer


def test_a_classifier_that_fails_on_one_stream_is_a_fault_of_that_segment_and_the_others_go_on() -> None:
    engine = new_engine(2, classifier=FaultyClassifier(quiet_ones_raise))
    engine.push(key(0), Chunk(0, talk(1.0, 1.0) * np.float32(0.5)))
    engine.push(key(1), Chunk(0, talk(1.0, 1.0)))
    engine.push(key(0), Chunk(32_000, talk(1.0, 1.0)))
    events = engine.tick()
    faults = [event for event in events if isinstance(event, Fault)]
    assert faults == [Fault(key(0), "classifier_failed", "level@1: too quiet", 0)]
    assert {(e.key, e.segment) for e in events if isinstance(e, Emotion)} == {(key(1), 0), (key(0), 1)}


@pytest.mark.parametrize(
    "answer",
    [
        [float("nan")] * 4,
        [0.25, 0.25, 0.25, float("inf")],
        [0.5, 0.5],
        [[0.25, 0.25, 0.25, 0.25]],
        [0.2, 0.2, 0.2, 0.2],
        [0.6, 0.6, -0.2, 0.0],
        [],
    ],
)
def test_an_answer_that_is_no_distribution_is_a_fault(answer: list[float]) -> None:
    engine = new_engine(1, classifier=FaultyClassifier(lambda _, right: np.array(answer, np.float32)))
    engine.push(key(0), Chunk(0, talk(1.0, 1.0)))
    (fault,) = (event for event in engine.tick() if isinstance(event, Fault | Emotion))
    assert isinstance(fault, Fault)
    assert (fault.code, fault.segment) == ("classifier_failed", 0)
    assert "is not a distribution over its 4 labels" in fault.message


def test_a_failure_without_a_message_is_named_by_its_type() -> None:
    def fail(samples: FloatArray, answer: FloatArray) -> FloatArray:
        raise MemoryError

    engine = new_engine(1, classifier=FaultyClassifier(fail))
    engine.push(key(0), Chunk(0, talk(1.0, 1.0)))
    assert [event.message for event in engine.tick() if isinstance(event, Fault)] == ["level@1: MemoryError"]
