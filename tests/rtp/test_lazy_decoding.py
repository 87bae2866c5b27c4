"""A call in which somebody speaks now and then: what is decoded of it, and that nothing of the voice is lost."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.level_recordings import coloured_noise, packets
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_windows
from ser_track.recordings.recording import open_recording
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_counts import PacketCounts
from tests.helpers.packets import heard as heard_in
from tests.helpers.signals import read_wav
from tests.paths import SPOKEN

FRAME = SAMPLE_RATE_HZ // 50
BEGINS = (10, 24, 38)
"""Seconds at which somebody speaks, for two seconds each."""
LASTS_S = 50


def said() -> FloatArray:
    """What is spoken, and nothing else."""
    spoken, samples = read_wav(SPOKEN), np.zeros(LASTS_S * SAMPLE_RATE_HZ, np.float32)
    for number, begin in enumerate(BEGINS):
        part = spoken[4 * number * SAMPLE_RATE_HZ :][: 2 * SAMPLE_RATE_HZ]
        samples[begin * SAMPLE_RATE_HZ :][: len(part)] = part
    return samples


@functools.cache
def call() -> tuple[Arrival, ...]:
    """In a quiet room, with levels."""
    return tuple(packets(said() + coloured_noise(np.random.default_rng(0), LASTS_S * SAMPLE_RATE_HZ, -70.0)))


def through(arrivals: Iterable[Arrival], by_level: bool = True) -> tuple[list[Chunk], PacketCounts]:
    stream, chunks = OpusStream(by_level=by_level), list[Chunk]()
    for arrival in arrivals:
        stream.put(arrival)
        chunks += stream.take(arrival.now)
    return [*chunks, *stream.flush()], stream.counts


def placed(chunks: Sequence[Chunk]) -> FloatArray:
    """All samples where they belong in time; what was not decoded is NaN."""
    out, end = np.full((LASTS_S + 5) * SAMPLE_RATE_HZ, np.nan, np.float32), 0
    for at, samples in chunks:
        if len(samples):
            assert at >= end
            end = at + len(samples)
            out[at:end] = samples
    return out


def passed(counts: PacketCounts) -> int:
    return counts.samples + counts.undecoded_samples + counts.silent_samples + counts.missing_samples


def decoded_voice(chunks: Sequence[Chunk]) -> bool:
    """Whether every window with a voice was decoded, and the two before it."""
    found = ~np.isnan(placed(chunks))
    voiced = np.flatnonzero(voiced_windows(SileroVad(), said()))
    assert len(voiced) > 100
    return all(found[(index - 2) * WINDOW_SAMPLES : (index + 1) * WINDOW_SAMPLES].all() for index in voiced)


def test_what_is_said_is_decoded_from_before_it_begins_and_little_else() -> None:
    chunks, _ = through(call())
    assert decoded_voice(chunks)
    assert sum(len(samples) for _, samples in chunks) < 0.25 * LASTS_S * SAMPLE_RATE_HZ


def test_what_is_decoded_is_what_is_heard_without_levels() -> None:
    lazy, whole = placed(through(call())[0]), placed(through(call(), by_level=False)[0])
    decoded = ~np.isnan(lazy)
    assert np.abs(lazy[decoded] - whole[decoded]).max() < 0.02
    error = np.sqrt(np.mean((lazy[decoded] - whole[decoded]) ** 2))
    assert error < 0.01 * np.sqrt(np.mean(whole[decoded] ** 2))


def test_all_time_is_accounted_for() -> None:
    chunks, counts = through(call())
    assert passed(counts) == LASTS_S * SAMPLE_RATE_HZ
    assert counts.undecoded_samples == LASTS_S * SAMPLE_RATE_HZ - sum(len(samples) for _, samples in chunks)
    assert counts.wrong_levels == counts.concealed_samples == counts.missing_samples == 0


def test_silence_is_told_at_most_half_a_second_and_a_window_after_it_passed() -> None:
    stream, reached = OpusStream(), 0
    for number, arrival in enumerate(call()):
        stream.put(arrival)
        for chunk in stream.take(arrival.now):
            reached = max(reached, chunk.end)
        assert (number + 1) * FRAME - reached <= SAMPLE_RATE_HZ // 2 + WINDOW_SAMPLES + FRAME


def test_without_levels_everything_is_decoded() -> None:
    bare = [arrival._replace(level=None) for arrival in call()]
    assert np.array_equal(placed(through(bare)[0]), placed(through(call(), by_level=False)[0]), equal_nan=True)


def made_up(*levels: int) -> tuple[Arrival, ...]:
    """The call, with levels that somebody made up."""
    return tuple(arrival._replace(level=levels[n % len(levels)]) for n, arrival in enumerate(call()))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.sampled_from([call(), made_up(90, 91, 92), made_up(127), made_up(70, 30, 71)]),
    st.sampled_from([0, 23]),
)
def test_however_often_it_is_asked_the_samples_are_the_same(
    sizes: list[int], whole: tuple[Arrival, ...], lost_every: int
) -> None:
    sent = [arrival for n, arrival in enumerate(whole) if not lost_every or n % lost_every]
    stream, chunks, at = OpusStream(), list[Chunk](), 0
    while at < len(sent):
        size = sizes[at % len(sizes)]
        stream.put_all(sent[at : at + size])
        at += size
        chunks += stream.take(sent[min(at, len(sent)) - 1].now)
    once, counts = through(sent)
    assert np.array_equal(placed([*chunks, *stream.flush()]), placed(once), equal_nan=True)
    assert stream.counts == counts


def test_a_recording_of_the_call_is_decoded_as_the_call_was(tmp_path: Path) -> None:
    lossy = [arrival for number, arrival in enumerate(call()) if number % 23]
    with (tmp_path / "a").open("ab") as file:
        record = MediaJsonWriter(file, 1_700_000_000.0, 1 << 30)
        for arrival in lossy:
            record.put("s1", "Ada", arrival)
    with open_recording(tmp_path / "a") as recording:
        (replayed,) = heard_in(recording).values()
    live = np.nan_to_num(placed(through(lossy)[0]))
    assert np.array_equal(replayed, live[: len(replayed)])
    assert not live[len(replayed) :].any()


@pytest.mark.parametrize("every", [3, 10, 50])
def test_loss_is_counted_and_concealed_where_it_is_heard_and_all_time_is_accounted_for(every: int) -> None:
    kept = [arrival for number, arrival in enumerate(call()) if number % every or not number]
    _, counts = through(kept)
    assert counts.lost == sum(1 for number in range(1, kept[-1].sequence) if not number % every)
    assert counts.received == len(kept)
    assert 0 < counts.concealed_samples + counts.recovered * FRAME < counts.lost * FRAME
    assert abs(passed(counts) - kept[-1].sequence * FRAME - FRAME) <= FRAME


def test_a_hole_in_what_led_up_to_a_voice_is_concealed() -> None:
    first = BEGINS[1] * 50
    missing = {first - 3, first - 2}
    chunks, counts = through(arrival for number, arrival in enumerate(call()) if number not in missing)
    found = placed(chunks)[(first - 8) * FRAME : (first + 20) * FRAME]
    assert not np.isnan(found).any()
    assert counts.lost == 2
    assert counts.concealed_samples == 2 * FRAME
    assert counts.missing_samples == 0


def test_where_nothing_is_decoded_a_hole_is_missing() -> None:
    _, counts = through(arrival for number, arrival in enumerate(call()) if not 300 <= number < 302)
    assert counts.concealed_samples == 0
    assert counts.missing_samples == 2 * FRAME
    assert passed(counts) == LASTS_S * SAMPLE_RATE_HZ


def test_time_that_was_not_sent_is_silence() -> None:
    chunks, counts = through(dtx())
    assert passed(counts) == LASTS_S * SAMPLE_RATE_HZ
    assert counts.silent_samples == 100 * FRAME
    assert counts.lost == 0
    assert decoded_voice(chunks)


def dtx() -> list[Arrival]:
    """The call, without two seconds in which nobody speaks; sequence numbers go on, time passes."""
    sent = [arrival for number, arrival in enumerate(call()) if not 300 <= number < 400]
    return [arrival._replace(sequence=number) for number, arrival in enumerate(sent)]


def test_a_sender_that_restarts_is_heard_at_once() -> None:
    restarted = [each._replace(ssrc=2, now=each.now + 7.0) for each in call()[:200]]
    chunks, counts = through([*call()[:350], *restarted])
    found = ~np.isnan(placed(chunks))
    assert found[7 * SAMPLE_RATE_HZ + FRAME : 9 * SAMPLE_RATE_HZ].all()
    assert counts.wrong_levels == 0


@pytest.mark.parametrize("levels", [(127,), (90, 91, 92)])
def test_levels_that_are_wrong_are_noticed_and_then_everything_is_heard(levels: tuple[int, ...]) -> None:
    first = BEGINS[0] * 50
    payloads = [each.payload for each in call()[first : first + 100]] * 10
    again = [Arrival(1, n, n * 960, payload, n * 0.02, levels[n % len(levels)]) for n, payload in enumerate(payloads)]
    chunks, counts = through(again)
    found = ~np.isnan(placed(chunks))
    assert counts.wrong_levels == 1
    assert found[6 * SAMPLE_RATE_HZ : 20 * SAMPLE_RATE_HZ].all()


def test_right_levels_are_never_doubted() -> None:
    assert through(call())[1].wrong_levels == 0


def test_what_is_not_opus_is_counted_as_broken_while_nothing_is_decoded_too() -> None:
    spoiled = [each._replace(payload=b"\xff\xff") if n in (300, 301, 600) else each for n, each in enumerate(call())]
    chunks, counts = through(spoiled)
    assert counts.broken == 3
    assert passed(counts) == LASTS_S * SAMPLE_RATE_HZ
    assert chunks[-1].end == LASTS_S * SAMPLE_RATE_HZ
