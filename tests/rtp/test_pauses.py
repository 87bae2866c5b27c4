"""What was said after a pause lies where it was said, though the timestamps run on; a stalled network moves nothing."""

from collections.abc import Iterable

import pytest

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import in_packets, opus

_20_MS = SAMPLE_RATE_HZ // 50
TICK_S = 0.032


def through(times: Iterable[float]) -> tuple[OpusStream, list[Chunk]]:
    """Packet ``n``, whose timestamp is 20 ms times ``n``, arrives at the ``n``-th of ``times``."""
    stream, pieces, now = OpusStream(), list[Chunk](), 0.0
    for number, at_s in enumerate(times):
        while now <= at_s:
            pieces += in_packets(stream.take(now))
            now += TICK_S
        stream.put(Arrival(1, number, number * 960, opus()[number], at_s))
    return stream, [*pieces, *in_packets(stream.flush())]


def begins(pieces: list[Chunk]) -> list[int]:
    return [piece.at for piece in pieces]


@pytest.mark.parametrize("pause_s", [1.0, 5.0, 600.0])
def test_after_a_mute_that_the_timestamps_leave_out_speech_lies_where_it_arrived(pause_s: float) -> None:
    stream, pieces = through([0.02 * n + (pause_s if n >= 100 else 0) for n in range(200)])
    moved = round(pause_s * SAMPLE_RATE_HZ)
    assert begins(pieces) == [n * _20_MS + (moved if n >= 100 else 0) for n in range(200)]
    assert stream.counts.silent_samples == moved
    assert stream.counts.missing_samples == stream.counts.concealed_samples == 0


def test_several_pauses_add_up() -> None:
    _, pieces = through([0.02 * n + 2.0 * (n // 50) for n in range(200)])
    assert pieces[-1].at == 199 * _20_MS + 3 * 2 * SAMPLE_RATE_HZ


@pytest.mark.parametrize("at_once", [1, 3, 10])
def test_a_network_that_stood_still_moves_nothing(at_once: int) -> None:
    """What waited comes at once, or faster than it was sent, and then the stream goes on as before."""
    stall_s, held = 2.0, 100
    catching_up = [2 * stall_s + 0.002 * (n // at_once) for n in range(held)]
    _, pieces = through([*(0.02 * n for n in range(100)), *catching_up, *(0.02 * n for n in range(200, 300))])
    assert begins(pieces) == [n * _20_MS for n in range(300)]


def test_a_sender_that_was_short_of_time_and_catches_up_slowly_moves_nothing() -> None:
    late = [2.0 + 0.9 + 0.02 * n * 0.75 for n in range(180)]
    _, pieces = through([*(0.02 * n for n in range(100)), *late])
    assert begins(pieces) == [n * _20_MS for n in range(280)]


def test_after_a_pause_in_which_silence_was_counted_nothing_is_moved() -> None:
    stream = OpusStream()
    pieces = list[Chunk]()
    for number in range(100):
        sent = number + (250 if number >= 50 else 0)
        stream.put(Arrival(1, number, sent * 960, opus()[number], 0.02 * sent))
        pieces += in_packets(stream.take(0.02 * sent))
    assert pieces[-1].at == 349 * _20_MS


def test_jitter_of_half_a_second_is_no_pause() -> None:
    _, pieces = through([0.02 * n + (0.5 if n % 40 == 39 else 0) for n in range(200)])
    assert begins(pieces) == [n * _20_MS for n in range(200)]


def test_a_pause_before_the_very_last_packets_counts_too() -> None:
    _, pieces = through([0.02 * n + (3.0 if n >= 198 else 0) for n in range(200)])
    assert begins(pieces)[-2:] == [(198 + n) * _20_MS + 3 * SAMPLE_RATE_HZ for n in range(2)]


def test_packets_that_are_lost_after_a_pause_do_not_move_the_rest() -> None:
    stream, pieces, now = OpusStream(), list[Chunk](), 0.0
    for number in range(200):
        at_s = 0.02 * number + (4.0 if number >= 100 else 0)
        while now <= at_s:
            pieces += in_packets(stream.take(now))
            now += TICK_S
        if number not in (100, 101, 103):
            stream.put(Arrival(1, number, number * 960, opus()[number], at_s))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert pieces[-1].at == pytest.approx(199 * _20_MS + 4 * SAMPLE_RATE_HZ, abs=_20_MS)
    assert stream.counts.lost == 1
