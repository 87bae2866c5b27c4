"""Waits double up to half a minute, and are spread."""

from ser_track.meetings.retry import Backoff


def test_waits_double_up_to_half_a_minute() -> None:
    longest = Backoff(dice=lambda: 1.0)
    assert [longest.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_each_wait_is_somewhere_in_its_upper_half() -> None:
    shortest = Backoff(dice=lambda: 0.0)
    assert [shortest.next_s() for _ in range(4)] == [0.25, 0.5, 1, 2]
    assert len({Backoff().next_s() for _ in range(20)}) > 10
