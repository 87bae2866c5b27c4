"""Audio that waits for the engine is bounded, and what goes is counted and leaves a gap."""

import numpy as np

from ser_track.chunk import Chunk
from ser_track.event_types import StreamKey
from ser_track.live.stream_queue import StreamQueue
from ser_track.rtp.header import Arrival

ANN, BEN = StreamKey("m", "ann", "1"), StreamKey("m", "ben", "1")


def put(inbox: StreamQueue, key: StreamKey, n: int, at: int) -> None:
    inbox.put(key, Chunk(at, np.zeros(n, np.float32)), n)


def times(items: list[Chunk | Arrival]) -> list[int]:
    return [item.at for item in items if isinstance(item, Chunk)]


def test_pieces_come_out_in_order_and_once() -> None:
    inbox = StreamQueue(100)
    put(inbox, ANN, 10, 0)
    put(inbox, BEN, 5, 0)
    put(inbox, ANN, 10, 10)
    taken = inbox.take()
    assert times(taken[ANN]) == [0, 10]
    assert times(taken[BEN]) == [0]
    assert inbox.take() == {}


def test_on_overflow_the_oldest_go_and_only_of_the_stream_that_overflows() -> None:
    inbox = StreamQueue(25)
    put(inbox, BEN, 20, 0)
    for at in range(0, 50, 10):
        put(inbox, ANN, 10, at)
    taken = inbox.take()
    assert times(taken[ANN]) == [30, 40], "media time jumps over what was lost"
    assert times(taken[BEN]) == [0]
    assert inbox.dropped_samples == 30


def test_a_piece_longer_than_the_bound_is_not_lost_whole() -> None:
    inbox = StreamQueue(25)
    put(inbox, ANN, 60, 0)
    (whole,) = inbox.take()[ANN]
    assert isinstance(whole, Chunk)
    assert len(whole.samples) == 60
    assert inbox.dropped_samples == 0


def test_what_is_discarded_never_comes_out() -> None:
    inbox = StreamQueue(100)
    put(inbox, ANN, 10, 0)
    inbox.discard(ANN)
    assert inbox.take() == {}
