"""`aevents`: audio that comes piece by piece on an event loop, which is never held up."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from numpy.typing import ArrayLike

from ser_track import Emotion, Event, Fault, Joined, Left, SpeechEnded, SpeechStarted, aevents, events
from ser_track.chunk import FloatArray
from ser_track.errors import AudioError, ConfigError, InferenceError
from ser_track.models import Models
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile
from tests.helpers.fake_models import EnergyDetector, FaultyClassifier, FaultyDetector, LevelClassifier
from tests.helpers.signals import cut, noise, talk
from tests.test_event_iterators import told

FAKES = Models(EnergyDetector(), LevelClassifier())
CALL = talk(1.0, 0.9, 1.1, 1.3)


async def source(*pieces: bytes | ArrayLike, error: Exception | None = None) -> AsyncIterator[bytes | ArrayLike]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece
    if error is not None:
        raise error


async def test_the_events_are_those_of_an_array(spoken: FloatArray) -> None:
    expected = told(events(spoken, rate_hz=16_000))
    with blockbuster_ctx("ser_track"):
        pieces = source(*cut(spoken, [1_600, 7, 40_000]))
        found = [event async for event in aevents(pieces, rate_hz=16_000, name="Ann")]
    assert told(iter(found)) == expected
    assert {event.key.participant for event in found} == {"Ann"}
    assert isinstance(found[0], Joined)
    assert (found[0].name, found[-1]) == ("Ann", Left(found[0].key, "end"))


async def test_bytes_come_in_the_configured_format() -> None:
    data = np.repeat(CALL * np.float32(20_000), 6).astype("<i2").tobytes()
    pieces = [data[at : at + 4_001] for at in range(0, len(data), 4_001)]
    stream = aevents(source(*pieces), rate_hz=48_000, models=FAKES, sample_format="int16", channels=2)
    ended = [(event.start_s, event.end_s) async for event in stream if isinstance(event, SpeechEnded)]
    np.testing.assert_allclose(ended, [(0, 1.0), (1.9, 3.0)], atol=0.064)


async def test_an_event_is_told_before_the_next_piece_is_asked_for() -> None:
    asked = 0

    async def pieces() -> AsyncIterator[ArrayLike]:
        nonlocal asked
        for piece in cut(CALL, [16_000]):
            asked += 1
            yield piece

    async with aclosing(aevents(pieces(), rate_hz=16_000, models=FAKES)) as stream:
        async for event in stream:
            if isinstance(event, SpeechStarted):
                assert asked == 1
                break
        assert asked == 1


class SlowClassifier(LevelClassifier):
    """A stand-in that takes as long as it is told to, and says where it runs."""

    def __init__(self) -> None:
        self.begun, self.end = threading.Event(), threading.Event()
        self.threads = set[threading.Thread]()

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        self.threads.add(threading.current_thread())
        self.begun.set()
        assert self.end.wait(10)
        return super().classify(samples, voice)


async def test_the_event_loop_goes_on_while_the_model_works() -> None:
    classifier = SlowClassifier()
    stream = aevents(source(CALL), rate_hz=16_000, models=Models(EnergyDetector(), classifier))

    async def collect() -> list[Event]:
        return [event async for event in stream]

    listening = asyncio.create_task(collect())
    assert await asyncio.to_thread(classifier.begun.wait, 10)
    begin = time.monotonic()
    for _ in range(100):
        await asyncio.sleep(0)
    assert time.monotonic() - begin < 1
    assert not listening.done()
    classifier.end.set()
    assert any(isinstance(event, Emotion) for event in await listening)
    assert threading.main_thread() not in classifier.threads


async def test_cancelled_it_ends_at_once_and_leaves_one_piece_at_most() -> None:
    classifier, given = SlowClassifier(), 0

    async def pieces() -> AsyncIterator[ArrayLike]:
        nonlocal given
        for _ in range(10):
            given += 1
            yield CALL

    async def collect() -> None:
        async for _ in aevents(pieces(), rate_hz=16_000, models=Models(EnergyDetector(), classifier)):
            pass

    listening = asyncio.create_task(collect())
    assert await asyncio.to_thread(classifier.begun.wait, 10)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening  # although the model still works
    classifier.end.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert given == 1


async def test_cancelled_while_it_waits_for_audio_the_source_is_told() -> None:
    closed, waits = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncIterator[ArrayLike]:
        try:
            waits.set()
            await asyncio.Event().wait()
            yield noise(1)
        finally:
            closed.set()

    async def collect() -> None:
        async for _ in aevents(silent(), rate_hz=16_000, models=FAKES):
            pass

    listening = asyncio.create_task(collect())
    await waits.wait()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    assert closed.is_set()


async def collected(stream: AsyncIterator[Event], found: list[Event]) -> None:
    async for event in stream:
        found += [event]  # one by one: what came before an error counts


@pytest.mark.parametrize(
    ("pieces", "error", "expected"),
    [
        ([talk(1.0)], ConnectionResetError("gone"), ConnectionResetError),
        ([talk(1.0), np.full(100, np.nan)], None, AudioError),
    ],
)
async def test_when_the_source_fails_what_was_open_gets_its_result(
    pieces: list[FloatArray], error: Exception | None, expected: type[Exception]
) -> None:
    found: list[Event] = []
    with pytest.raises(expected):
        await collected(aevents(source(*pieces, error=error), rate_hz=16_000, models=FAKES), found)
    *_, ended, final, left = found
    assert isinstance(ended, SpeechEnded)
    assert isinstance(final, Emotion)
    assert final.final
    assert left == Left(final.key, "error")


async def test_when_the_detector_fails_what_came_before_is_told() -> None:
    def broken(call: int, probabilities: FloatArray) -> FloatArray:
        if call > 90:
            raise RuntimeError("broken")
        return probabilities

    models, found = Models(FaultyDetector(broken), LevelClassifier()), list[Event]()
    with pytest.raises(InferenceError, match="broken"):
        await collected(aevents(source(*cut(CALL, [1_000])), rate_hz=16_000, models=models), found)
    finals = [event.segment for event in found if isinstance(event, Emotion) and event.final]
    assert finals[0] == 0
    assert isinstance(found[-1], Left)


async def test_a_segment_that_the_model_fails_at_is_a_fault_and_the_next_is_judged() -> None:
    def fail_at_first(samples: FloatArray, answer: FloatArray) -> FloatArray:
        if len(samples) > 20_000:
            raise ValueError("too long")
        return answer

    models = Models(EnergyDetector(), FaultyClassifier(fail_at_first))
    pieces = source(talk(1.5, 1.0, 1.0, 1.0))
    found = [event async for event in aevents(pieces, rate_hz=16_000, models=models)]
    assert [event.segment for event in found if isinstance(event, Fault)] == [0, 0]  # a provisional and the final one
    assert [event.segment for event in found if isinstance(event, Emotion) and event.final] == [1]


async def test_when_both_models_fail_neither_hides_the_other() -> None:
    def always(samples: FloatArray, answer: FloatArray) -> FloatArray:
        raise ValueError("too hard")

    def broken(call: int, probabilities: FloatArray) -> FloatArray:
        if call == 70:  # once, after the first segment, in the same piece
            raise RuntimeError("broken")
        return probabilities

    models, found = Models(FaultyDetector(broken), FaultyClassifier(always)), list[Event]()
    with pytest.raises(InferenceError, match="broken"):
        await collected(aevents(source(CALL), rate_hz=16_000, models=models), found)
    assert any(isinstance(event, Fault) and "too hard" in event.message for event in found)


async def test_a_configuration_that_cannot_be_used_is_raised() -> None:
    with pytest.raises(ConfigError, match="sample_rate_hz"):
        await anext(aevents(source(), rate_hz=1, models=FAKES))
