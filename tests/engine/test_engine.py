"""Engine: the same audio gives the same events, however it arrives and whoever else is in the call."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.chunk import Chunk
from ser_track.event_types import Emotion, EngineEvent, SpeechEnded, SpeechStarted
from ser_track.models.silero import SileroVad
from tests.helpers.engine_calls import Pieces, Way, key, lasting, new_engine, pieces, play, streams, ways
from tests.helpers.signals import noise

VOICE = pieces([("voice", 20_000)])
WINDOW = 512


@given(streams(), ways)
def test_any_chunking_and_any_interleaving_gives_the_same_events(call: list[Pieces], way: Way) -> None:
    assert play(call, way) == play(call, Way())


@given(streams(), ways, st.sampled_from([512, 700, 5_000, 40_000]))
def test_segments_and_final_results_do_not_depend_on_when_ticks_come(call: list[Pieces], way: Way, block: int) -> None:
    other = play(call, Way(way.sizes, way.seed, block))
    assert [lasting(events) for events in other] == [lasting(events) for events in play(call, Way())]


@given(streams(least=2))
def test_a_stream_gets_the_events_in_company_that_it_gets_alone(call: list[Pieces]) -> None:
    together = play(call, Way())
    for number, arrived in enumerate(call):
        alone = [arrived if other == number else [] for other in range(len(call))]
        assert play(alone, Way())[number] == together[number]


@given(streams(), st.sampled_from([512, 3_000, 16_000]))
def test_events_of_a_stream_are_in_order_whatever_is_missing(call: list[Pieces], block: int) -> None:
    for events in play(call, Way(block=block)):
        number, is_open, reached = 0, False, 0.0
        finals = [event.segment for event in events if isinstance(event, Emotion) and event.final]
        for event in events:
            match event:
                case SpeechStarted():
                    assert (event.segment, is_open) == (number, False)
                    assert event.start_s >= reached
                    is_open = True
                case SpeechEnded():
                    assert (event.segment, is_open) == (number, True)
                    reached, number, is_open = event.end_s, number + 1, False
        assert not is_open
        assert finals == [event.segment for event in events if isinstance(event, SpeechEnded) and event.classified]


def test_an_emotion_carries_the_time_of_its_segment_and_a_distribution_over_the_labels() -> None:
    (events,) = play([pieces([("silence", 5_120), ("voice", 20_480), ("silence", 16_000)])], Way())
    emotion = events[-1]
    assert isinstance(emotion, Emotion)
    assert (emotion.start_s, emotion.end_s, emotion.final, emotion.model) == (0.32, 1.6, True, "level@1")
    assert emotion.probabilities.keys() == {"anger", "happiness", "sadness", "neutral"}
    assert sum(emotion.probabilities.values()) == pytest.approx(1)
    assert (emotion.label, emotion.confidence) == ("unsure", max(emotion.probabilities.values()))


def test_a_gap_of_an_hour_shifts_the_time_and_holds_no_memory() -> None:
    engine = new_engine()
    engine.push(key(0), Chunk(0, noise(20_000)))
    engine.tick()
    tracemalloc.start()
    engine.push(key(0), Chunk(3600 * 16_000, noise(512)))
    events = engine.tick()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(event) for event in events] == [SpeechEnded, SpeechStarted, Emotion]
    assert isinstance(events[1], SpeechStarted)
    assert events[1].start_s == 3600
    assert peak < 500_000


def test_over_a_gap_the_detector_keeps_its_memory() -> None:
    engine = new_engine()
    engine.push(key(0), Chunk(0, np.full(512, 0.5, np.float32)))
    # On its own a little too quiet for the stand-in, but not after a loud window.
    engine.push(key(0), Chunk(1024, np.full(512, 0.09, np.float32)))
    ended = engine.flush(key(0))[1]
    assert isinstance(ended, SpeechEnded)
    assert ended.end_s == 0.096


def test_a_paused_stream_closes_its_segment_and_hears_on() -> None:
    engine = new_engine()
    engine.push(key(0), Chunk(0, noise(20_000)))
    engine.tick()
    engine.pause(key(0))
    paused = engine.tick()
    assert [type(event) for event in paused] == [SpeechEnded, Emotion]
    assert isinstance(paused[0], SpeechEnded)
    assert paused[0].reason == "stalled"
    # What was on its way is still heard, as a segment of its own: no sample that arrives is lost.
    engine.push(key(0), Chunk(20_000, noise(20_000)))
    again = engine.flush(key(0))
    assert [type(event) for event in again] == [SpeechStarted, SpeechEnded, Emotion]
    assert isinstance(again[0], SpeechStarted)
    assert (again[0].segment, again[0].start_s) == (1, 19_968 / 16_000)


def test_flush_closes_what_is_open_and_forgets_the_stream() -> None:
    engine = new_engine()
    engine.push(key(0), Chunk(0, noise(20_000)))
    kinds = [type(event) for event in engine.flush(key(0))]
    assert kinds == [SpeechStarted, SpeechEnded, Emotion]
    assert engine.tick() == []
    with pytest.raises(KeyError):
        engine.push(key(0), Chunk(20_000, noise(10)))


def test_a_stream_is_in_the_engine_from_open_until_it_is_flushed_or_discarded() -> None:
    engine = new_engine(2)
    assert [key(stream) in engine for stream in range(3)] == [True, True, False]
    engine.flush(key(0))
    engine.discard(key(1))
    assert [key(stream) in engine for stream in range(3)] == [False, False, False]


def test_flush_of_one_stream_leaves_the_others_and_their_results_waiting() -> None:
    engine = new_engine(2)
    for stream in range(2):
        engine.push(key(stream), Chunk(0, noise(20_000)))
    assert {event.key for event in engine.flush(key(0))} == {key(0)}
    assert engine.queue_length == 0
    assert [type(event) for event in engine.tick()] == [SpeechStarted, Emotion]


def test_push_to_a_stream_that_was_never_opened_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        new_engine().push(key(7), Chunk(0, noise(10)))


def test_a_discarded_stream_yields_nothing_more() -> None:
    engine = new_engine(2)
    for stream in range(2):
        engine.push(key(stream), Chunk(0, noise(20_000)))
        engine.pause(key(stream))
    assert engine.queue_length == 2
    engine.push(key(0), Chunk(20_000, noise(4_000)))
    engine.discard(key(0))
    assert engine.queue_length == 1
    assert {event.key for event in [*engine.tick(), *engine.flush(key(1))]} == {key(1)}


def test_opening_a_key_again_begins_at_zero_with_nothing_of_before() -> None:
    engine = new_engine()

    def heard() -> list[EngineEvent]:
        engine.push(key(0), Chunk(0, noise(20_000)))
        return engine.tick()

    first = heard()
    engine.push(key(0), Chunk(20_000, noise(300)))
    engine.open(key(0))
    assert heard() == first


def test_no_audio_is_held_after_discard() -> None:
    engine = new_engine(0)

    def one_call() -> None:
        engine.open(key(0))
        engine.push(key(0), Chunk(0, noise(40_000)))
        engine.tick()
        engine.push(key(0), Chunk(40_000, noise(30_000)))
        engine.discard(key(0))

    one_call()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    one_call()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 2_048


def test_a_stream_holds_no_audio_of_those_heard_in_the_same_batch() -> None:
    silero = SileroVad()
    windows, states = noise(3 * WINDOW).reshape(3, WINDOW), [silero.new_state() for _ in range(3)]
    silero.detect(windows, states)
    memory = silero._memory
    held = [memory.context[state.place].copy() for state in states]
    np.testing.assert_array_equal(held, windows[:, -64:])
    kept = states.pop()
    states.clear()
    left = np.flatnonzero(memory.context.any(axis=1) | memory.recurrent.any(axis=(0, 2)))
    assert left.tolist() == [kept.place], "nothing is left of streams that ended"


@given(streams(least=2))
def test_final_results_are_never_held_back_and_nothing_provisional_comes_after_them(call: list[Pieces]) -> None:
    engine = new_engine(len(call))
    ended: set[tuple[object, int]] = set()
    for begin in range(0, 144_000, 4_000):
        for stream, arrived in enumerate(call):
            for at, samples in arrived:
                if begin <= at < begin + 4_000:
                    engine.push(key(stream), Chunk(at, samples))
        events = engine.tick()
        emotions = [event for event in events if isinstance(event, Emotion)]
        finals = {(event.key, event.segment) for event in emotions if event.final}
        assert finals == {(e.key, e.segment) for e in events if isinstance(e, SpeechEnded) and e.classified}
        assert len({event.key for event in emotions if not event.final}) == len(emotions) - len(finals)
        ended |= finals
        assert not {(event.key, event.segment) for event in emotions if not event.final} & ended


def test_a_newer_provisional_replaces_an_older_one_of_the_same_tick() -> None:
    engine = new_engine()
    engine.push(key(0), Chunk(0, noise(30_720)))  # six results of 0.32 s each fall due
    events = engine.tick()
    assert (engine.queue_length, engine.replaced, engine.provisional_due) == (0, 5, 6)
    (emotion,) = [event for event in events if isinstance(event, Emotion)]
    assert (emotion.start_s, emotion.end_s, emotion.final) == (0, 1.92, False)


def test_without_provisional_results_the_final_ones_are_the_same() -> None:
    def finals(provisional: bool) -> list[Emotion]:
        engine, events = new_engine(), list[EngineEvent]()
        for at in range(0, 60_000, 5_120):
            engine.push(key(0), Chunk(at, noise(5_120, at) * np.float32(at < 40_000)))
            events += engine.tick(provisional=provisional)
        emotions = [event for event in [*events, *engine.flush(key(0))] if isinstance(event, Emotion)]
        assert provisional or all(event.final for event in emotions)
        return [event for event in emotions if event.final]

    assert finals(False) == finals(True) != []
