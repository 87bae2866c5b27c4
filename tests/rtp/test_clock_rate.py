"""Opus whose timestamps are not what RFC 7587 demands is heard by the packets' own lengths."""

from itertools import pairwise

import numpy as np
import pytest

from ser_track.chunk import Chunk, FloatArray
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus import OpusDecoder
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import in_packets, opus

COUNT = 150


def decoded() -> FloatArray:
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(payload) for payload in opus()[:COUNT]])


def through(timestamps: list[int], lost: int | None = None) -> list[Chunk]:
    stream, pieces = OpusStream(), list[Chunk]()
    for number, timestamp in enumerate(timestamps):
        if number != lost:
            arrival = Arrival(1, 65_500 + number & 0xFFFF, timestamp & 0xFFFFFFFF, opus()[number], 0.02 * number)
            stream.put(arrival)
        pieces += in_packets(stream.take(0.02 * number))
    return [*pieces, *in_packets(stream.flush())]


@pytest.mark.parametrize("step", [160, 240, 320, 480, 640, 960, 20])
def test_a_clock_of_any_usual_rate_is_followed(step: int) -> None:
    pieces = through([2**32 - 40 * step + number * step for number in range(COUNT)])
    assert [piece.at for piece in pieces] == [320 * number for number in range(COUNT)]
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), decoded())


def test_a_lost_packet_of_a_slow_clock_is_a_hole_of_its_length() -> None:
    pieces = through([number * 320 for number in range(COUNT)], lost=70)
    assert pieces[-1].end == COUNT * 320
    assert sum(len(piece.samples) for piece in pieces) == COUNT * 320


@pytest.mark.parametrize("clock", [960, 320])
def test_timestamps_a_few_ticks_off_neither_cut_the_sound_nor_move_it(clock: int) -> None:
    off = np.random.default_rng(1).integers(-clock // 20, clock // 20 + 1, COUNT)
    pieces = through([10**6 + number * clock + int(off[number]) for number in range(COUNT)])
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), decoded())
    assert all(before.end == after.at for before, after in pairwise(pieces))


def test_a_clock_that_is_always_a_little_too_slow_does_not_cut_the_sound() -> None:
    pieces = through([number * 956 for number in range(COUNT)])
    assert [piece.at for piece in pieces] == [320 * number for number in range(COUNT)]


def test_a_pause_in_sending_stays_a_pause_by_a_slow_clock_too() -> None:
    timestamps = [(number + (50 if number >= 100 else 0)) * 320 for number in range(COUNT)]
    pieces = through(timestamps)
    assert [piece.at for piece in pieces[100:]] == [320 * (number + 50) for number in range(100, COUNT)]


def test_one_odd_step_does_not_change_a_rate_that_was_found() -> None:
    timestamps = [number * 960 - (640 if number >= 50 else 0) for number in range(COUNT)]
    pieces = through(timestamps)
    assert pieces[-1].end == COUNT * 320 - 640 // 3 - 1
