"""The engine's threads: audio in from the loop, events out to it, and a fault that is told and survived."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack

import numpy as np
import pytest
import pytest_asyncio

from ser_track.chunk import WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.config.schema import PipelineConfig, RuntimeConfig
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, EngineEvent, Fault, SpeechEnded, SpeechStarted, StreamKey
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.protocols import DetectorState, EmotionClassifier, Prediction, VoiceDetector
from ser_track.rtp.header import Arrival
from ser_track.voice_profile import VoiceProfile
from tests.helpers.fake_models import EnergyDetector, FaultyClassifier, FaultyDetector, LevelClassifier

KEY = StreamKey("m", "ann", "1")
SPEECH = np.full(16_000, 0.5, np.float32)
SILENCE = np.zeros(16_000, np.float32)
Start = Callable[..., tuple[LiveEngine, list[EngineEvent]]]


class FailsOnce(EnergyDetector):
    """A stand-in for a detector that fails in its first call: no real model can be made to."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        if not self.failed:
            self.failed = True
            raise RuntimeError("out of memory")
        return super().detect(windows, states)


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        def begin(
            detector: VoiceDetector, classifier: EmotionClassifier | None = None
        ) -> tuple[LiveEngine, list[EngineEvent]]:
            events: list[EngineEvent] = []
            engine = Engine(detector, classifier or LevelClassifier(), PipelineConfig())
            live = LiveEngine(engine, RuntimeConfig(), events.extend, Metrics())
            live.start()
            stack.push_async_callback(live.stop)
            return live, events

        yield begin


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the events come from another thread through the loop
            await asyncio.sleep(0.01)


async def test_events_arrive_on_the_loop_while_audio_comes_in(start: Start) -> None:
    live, events = start(EnergyDetector())
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH))
    await until(lambda: len(events) > 0)
    assert isinstance(events[0], SpeechStarted)


async def test_flush_delivers_what_was_open_including_audio_that_was_just_pushed(start: Start) -> None:
    live, events = start(EnergyDetector())
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH))
    await live.flush(KEY)
    ended = [event for event in events if isinstance(event, SpeechEnded)]
    assert [(event.start_s, event.reason) for event in ended] == [(0.0, "flush")]
    told = len(events)
    await live.flush(KEY)
    assert len(events) == told, "a closed stream has nothing left"


class FailsForSilence(EnergyDetector):
    """A stand-in for a detector that fails on what one stream says: no real one can be made to."""

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        if not windows.any():
            raise RuntimeError("out of memory")
        return super().detect(windows, states)


async def test_what_fails_for_one_is_done_for_the_others(start: Start) -> None:
    live, events = start(FailsForSilence())
    other = StreamKey("m", "ben", "1")
    for key in (KEY, other):
        live.open(key)
    live.push(other, Chunk(0, SPEECH))
    await until(lambda: any(event.key == other for event in events))
    live.push(KEY, Chunk(0, np.zeros(WINDOW_SAMPLES, np.float32)))
    live.pause(KEY)
    async with asyncio.timeout(5):
        await live.flush(other)
    assert live.streams == {KEY}
    assert [event.reason for event in events if isinstance(event, SpeechEnded)] == ["flush"]


async def test_a_stopped_engine_keeps_nobody_waiting(start: Start) -> None:
    live, _ = start(EnergyDetector())
    live.open(KEY)
    await live.stop()
    async with asyncio.timeout(5):
        await live.flush(KEY)
    assert live.streams == set()


async def test_a_discarded_stream_is_silent_even_if_audio_still_comes(start: Start) -> None:
    live, events = start(EnergyDetector())
    other = StreamKey("m", "ben", "1")
    live.open(KEY)
    live.open(other)
    live.push(KEY, Chunk(0, SPEECH))
    live.discard(KEY)
    live.push(KEY, Chunk(16_000, SPEECH))
    live.push(other, Chunk(0, SPEECH))
    await until(lambda: any(event.key == other for event in events))
    assert [event for event in events if event.key == KEY] == []


async def test_an_intake_that_fails_is_told_to_every_stream_and_the_next_tick_works(start: Start) -> None:
    live, events = start(EnergyDetector())
    other = StreamKey("m", "ben", "1")

    def recorder(_: object) -> None:
        raise RuntimeError("the disk is on fire")

    live.open(KEY)
    live.open(other)
    live.keep(KEY, recorder)
    live.push_packet(KEY, Arrival(1, 0, 0, b"\xf8", 0.0))
    await until(lambda: len([event for event in events if isinstance(event, Fault)]) == 2)
    assert {(event.key, event.code) for event in events if isinstance(event, Fault)} == {
        (KEY, "engine_failed"), (other, "engine_failed"),
    }  # fmt: skip
    assert all("on fire" in event.message for event in events if isinstance(event, Fault))
    live.push(other, Chunk(0, SPEECH))
    await until(lambda: any(isinstance(event, SpeechStarted) for event in events))


async def test_what_is_kept_is_what_the_engine_gets_until_the_stream_ends(start: Start) -> None:
    live, _ = start(EnergyDetector())
    kept = list[Arrival | Chunk]()
    live.open(KEY)
    live.keep(KEY, kept.extend)
    chunks = [Chunk(0, SPEECH[:320]), Chunk(640, SPEECH[:320])]
    for chunk in chunks:
        live.push(KEY, chunk)
    await live.flush(KEY)
    assert [(each.at, len(each.samples)) for each in kept if isinstance(each, Chunk)] == [(0, 320), (640, 320)]
    live.open(KEY)
    live.push(KEY, Chunk(960, SPEECH[:320]))
    await live.flush(KEY)
    assert len(kept) == 2


async def test_a_fault_of_the_detector_is_told_to_every_stream_and_the_next_tick_works(start: Start) -> None:
    live, events = start(FailsOnce())
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH[:8_000]))
    await until(lambda: any(isinstance(event, Fault) for event in events))
    fault = next(event for event in events if isinstance(event, Fault))
    assert (fault.key, fault.code) == (KEY, "engine_failed")
    assert "out of memory" in fault.message
    live.push(KEY, Chunk(8_000, SPEECH))
    await until(lambda: any(isinstance(event, SpeechStarted) for event in events))
    assert live.alive


@pytest.mark.parametrize("opened", [False, True])
async def test_flushing_a_stream_without_audio_gives_nothing(start: Start, opened: bool) -> None:
    live, events = start(EnergyDetector())
    if opened:
        live.open(KEY)
    await live.flush(KEY)
    assert events == []


async def test_a_paused_stream_gets_its_result_and_goes_on_as_a_new_segment(start: Start) -> None:
    live, events = start(EnergyDetector())
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH[: 31 * WINDOW_SAMPLES]))
    live.pause(KEY)
    await until(lambda: any(isinstance(event, Emotion) and event.final for event in events))
    ended = [event for event in events if isinstance(event, SpeechEnded)]
    assert [(event.segment, event.reason) for event in ended] == [(0, "stalled")]
    live.push(KEY, Chunk(48_000, SPEECH))
    await until(lambda: [e.segment for e in events if isinstance(e, SpeechStarted)] == [0, 1])


async def test_a_flush_that_nobody_waits_for_any_more_disturbs_no_other_stream(start: Start) -> None:
    live, events = start(EnergyDetector())
    other = StreamKey("m", "ben", "1")
    for key in (KEY, other):
        live.open(key)
        live.push(key, Chunk(0, SPEECH))
    waiting = asyncio.create_task(live.flush(KEY))
    await asyncio.sleep(0)
    waiting.cancel()
    live.push(other, Chunk(16_000, np.zeros(16_000, np.float32)))
    await until(lambda: any(isinstance(event, Emotion) and event.final and event.key == other for event in events))
    assert [event for event in events if isinstance(event, Fault)] == []


async def test_an_engine_that_fails_in_every_tick_tells_each_stream_once_in_a_while(start: Start) -> None:
    live, events = start(FaultyDetector(lambda call, right: right * np.nan))
    live.open(KEY)
    for second in range(5):
        live.push(KEY, Chunk(second * 1_600, SPEECH[:1_600]))
        await asyncio.sleep(0.1)
    assert [(event.key, event.code) for event in events if isinstance(event, Fault)] == [(KEY, "engine_failed")]


class SlowClassifier(LevelClassifier):
    """A stand-in for a classifier that is as slow as a test wants: no call ends before it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        self.begun.set()
        assert self.let_go.wait(20.0)
        return super().classify(samples, voice)


async def test_no_tick_waits_for_a_slow_classifier(start: Start) -> None:
    slow = SlowClassifier()
    live, events = start(EnergyDetector(), slow)
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH))
    await until(slow.begun.is_set)
    for name in ("ben", "cid", "dan"):  # each of them needs a tick of their own, after the one before
        other = StreamKey("m", name, "1")
        live.open(other)
        live.push(other, Chunk(0, SPEECH))
        live.push(other, Chunk(16_000, SILENCE))
        await until(lambda key=other: any(isinstance(e, SpeechEnded) and e.key == key for e in events))  # type: ignore[misc]
    assert not any(isinstance(event, Emotion) for event in events)
    slow.let_go.set()
    await until(lambda: sum(isinstance(event, Emotion) and event.final for event in events) == 3)


async def test_flush_returns_when_the_final_result_has_been_emitted(start: Start) -> None:
    slow = SlowClassifier()
    live, events = start(EnergyDetector(), slow)
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH))
    flushing = asyncio.create_task(live.flush(KEY))
    await until(lambda: any(isinstance(event, SpeechEnded) for event in events))
    await until(slow.begun.is_set)
    assert not flushing.done()
    slow.let_go.set()
    async with asyncio.timeout(5):
        await flushing
    last = events[-1]
    assert isinstance(last, Emotion)
    assert last.final


async def test_the_result_that_is_running_for_a_discarded_stream_is_dropped(start: Start) -> None:
    slow = SlowClassifier()
    live, events = start(EnergyDetector(), slow)
    other = StreamKey("m", "ben", "1")
    for key in (KEY, other):
        live.open(key)
    live.push(KEY, Chunk(0, SPEECH))
    await until(slow.begun.is_set)
    live.discard(KEY)
    slow.let_go.set()
    live.push(other, Chunk(0, SPEECH))
    async with asyncio.timeout(5):
        await live.flush(other)
    assert {event.key for event in events if isinstance(event, Emotion)} == {other}


async def test_a_stopped_engine_has_finished_what_it_had_begun(start: Start) -> None:
    slow = SlowClassifier()
    live, events = start(EnergyDetector(), slow)
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH))
    live.pause(KEY)
    await until(slow.begun.is_set)
    stopping = asyncio.create_task(live.stop())
    slow.let_go.set()
    async with asyncio.timeout(5):
        await stopping
    assert not live.alive
    assert any(isinstance(event, Emotion) and event.final for event in events)


async def test_a_classifier_that_fails_for_one_is_told_to_that_one(start: Start) -> None:
    def answer(samples: FloatArray, right: FloatArray) -> FloatArray:
        if samples[0] < 0:
            raise RuntimeError("out of memory")
        return right

    live, events = start(EnergyDetector(), FaultyClassifier(answer))
    other = StreamKey("m", "ben", "1")
    for key, sound in ((KEY, -SPEECH), (other, SPEECH)):
        live.open(key)
        live.push(key, Chunk(0, sound))
    async with asyncio.timeout(5):
        await live.flush(KEY)
        await live.flush(other)
    faults = [event for event in events if isinstance(event, Fault)]
    assert {(fault.key, fault.code, fault.message) for fault in faults} == {
        (KEY, "classifier_failed", "level@1: out of memory")
    }
    assert [e.key for e in events if isinstance(e, Emotion) and e.final] == [other]


async def test_a_result_from_the_pause_is_the_final_one_without_another_call(start: Start) -> None:
    calls = list[int]()

    def answer(samples: FloatArray, right: FloatArray) -> FloatArray:
        calls.append(len(samples))
        return right

    live, events = start(EnergyDetector(), FaultyClassifier(answer))
    live.open(KEY)
    live.push(KEY, Chunk(0, SPEECH[: 20 * WINDOW_SAMPLES]))
    live.push(KEY, Chunk(20 * WINDOW_SAMPLES, SILENCE[: 9 * WINDOW_SAMPLES]))
    await until(lambda: any(isinstance(event, Emotion) for event in events))
    assert len(calls) == 1
    live.push(KEY, Chunk(29 * WINDOW_SAMPLES, SILENCE))
    await until(lambda: any(isinstance(event, Emotion) and event.final for event in events))
    assert len(calls) == 1
