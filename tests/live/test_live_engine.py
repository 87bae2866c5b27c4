"""The engine's thread: audio in from the loop, events out to it, and a fault that is told and survived."""

import asyncio
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
from ser_track.protocols import DetectorState, VoiceDetector
from ser_track.rtp.header import Arrival
from tests.helpers.fake_models import EnergyDetector, FaultyDetector, LevelClassifier

KEY = StreamKey("m", "ann", "1")
SPEECH = np.full(16_000, 0.5, np.float32)
Start = Callable[[VoiceDetector], tuple[LiveEngine, list[EngineEvent]]]


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

        def begin(detector: VoiceDetector) -> tuple[LiveEngine, list[EngineEvent]]:
            events: list[EngineEvent] = []
            engine = Engine(detector, LevelClassifier(), PipelineConfig())
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
