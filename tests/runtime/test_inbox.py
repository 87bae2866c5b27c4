"""Audio that waits for the engine is bounded, and what goes is counted and leaves a gap."""

import numpy as np

from ser_track.runtime.inbox import Inbox
from ser_track.types import StreamKey

ANN, BEN = StreamKey("m", "ann", "1"), StreamKey("m", "ben", "1")


def piece(samples: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.zeros(samples, np.float32)


def test_pieces_come_out_in_order_and_once() -> None:
    inbox = Inbox(100)
    inbox.put(ANN, piece(10), 0)
    inbox.put(BEN, piece(5), 0)
    inbox.put(ANN, piece(10), 10)
    taken = inbox.take()
    assert [at for _, at in taken[ANN]] == [0, 10]
    assert [at for _, at in taken[BEN]] == [0]
    assert inbox.take() == {}


def test_on_overflow_the_oldest_go_and_only_of_the_stream_that_overflows() -> None:
    inbox = Inbox(25)
    inbox.put(BEN, piece(20), 0)
    for at in range(0, 50, 10):
        inbox.put(ANN, piece(10), at)
    taken = inbox.take()
    assert [at for _, at in taken[ANN]] == [30, 40], "media time jumps over what was lost"
    assert [at for _, at in taken[BEN]] == [0]
    assert inbox.dropped_samples == 30


def test_a_piece_longer_than_the_bound_is_not_lost_whole() -> None:
    inbox = Inbox(25)
    inbox.put(ANN, piece(60), 0)
    assert len(inbox.take()[ANN][0][0]) == 60
    assert inbox.dropped_samples == 0


def test_what_is_discarded_never_comes_out() -> None:
    inbox = Inbox(100)
    inbox.put(ANN, piece(10), 0)
    inbox.discard(ANN)
    assert inbox.take() == {}
