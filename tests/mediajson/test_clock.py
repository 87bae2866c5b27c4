"""A bridge's packets carry their own time: neither its speed nor a connection that stands still moves anything."""

import pytest

from ser_track.chunk import Chunk
from ser_track.mediajson.clock import MediaClock
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from tests.helpers.packets import in_packets, opus


@pytest.mark.parametrize("stall_s", [0.0, 2.0, 60.0])
def test_a_connection_that_stands_still_moves_nothing(stall_s: float) -> None:
    clock, stream, pieces = MediaClock(48_000), OpusStream(), list[Chunk]()
    for number in range(200):
        real_s = 100.0 + 0.02 * number + (stall_s if number >= 100 else 0)
        stream.put(Arrival(1, number, number * 960, opus()[number], clock.now(number * 960, real_s)))
        pieces += in_packets(stream.take(real_s))
    pieces = [*pieces, *in_packets(stream.flush())]
    assert [piece.at for piece in pieces] == [number * 320 for number in range(200)]
    assert stream.counts.concealed_samples == 0


def test_a_clock_that_is_too_slow_does_not_fall_behind() -> None:
    clock = MediaClock(48_000)
    now = [clock.now(number * 20, 100 + 0.02 * number) for number in range(1_000)]
    assert now[-1] == pytest.approx(100 + 0.02 * 999, abs=1.1)
