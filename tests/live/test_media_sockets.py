"""What is held of one sender, whatever they send."""

import pytest

from ser_track.live.media_sockets import MediaSockets
from ser_track.rtp.header import Arrival

MAX_HELD_S = 2.0
SHORT, LONG = b"\x48" + b"x" * 40, b"\x7b\x06" + b"x" * 40  # 20 ms, and six times that


@pytest.fixture
def sockets() -> MediaSockets:
    return MediaSockets(MAX_HELD_S)


def waiting(payload: bytes, count: int, each_s: float, now: float = 100.0) -> list[Arrival]:
    return [Arrival(1, n, n * 960, payload, now - (count - n) * each_s) for n in range(count)]


def test_two_seconds_are_held_and_the_oldest_goes_first(sockets: MediaSockets) -> None:
    kept = sockets._held(waiting(SHORT, 150, 0.02), 100.0)
    assert [arrival.sequence for arrival in kept] == list(range(50, 150))
    assert sockets.dropped_samples == 50 * 320


def test_packets_that_last_long_are_fewer(sockets: MediaSockets) -> None:
    kept = sockets._held(waiting(LONG, 100, 0.0001), 100.0)
    assert len(kept) == 16
    assert sockets.dropped_samples == 84 * 1920


def test_what_is_no_opus_is_held_by_its_age_alone(sockets: MediaSockets) -> None:
    assert len(sockets._held(waiting(b"", 120, 0.001), 100.0)) == 120
    assert sockets.dropped_samples == 0
