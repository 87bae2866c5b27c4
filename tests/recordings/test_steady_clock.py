"""SteadyClock: timestamps that wobble around contiguous sound move nothing; gaps, overlaps and drift do."""

from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest

from ser_track.recordings.steady_clock import SteadyClock

FRAME_S = Fraction(1, 50)


def placed(stamps_s: Iterable[float | None], frame_s: Fraction = FRAME_S) -> list[float]:
    """When each frame begins, by the clock."""
    clock = SteadyClock[int]()
    found: list[tuple[int, Fraction]] = []
    for number, stamp_s in enumerate(stamps_s):
        found += clock.put(number, None if stamp_s is None else Fraction(stamp_s), frame_s)
    found += clock.flush()
    assert [number for number, _ in found] == list(range(len(found)))
    return [float(begin_s) for _, begin_s in found]


def even(frames: int, frame_s: float = float(FRAME_S)) -> np.ndarray:
    return np.arange(frames) * frame_s


def breaks(begins_s: list[float], frame_s: float = float(FRAME_S)) -> np.ndarray:
    """How much lies between each frame and the next: 0 where they touch."""
    return np.diff(begins_s) - frame_s


def timer(ticks_s: float, late_s: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda times: np.floor((times + late_s) / ticks_s) * ticks_s


def jitter(width_s: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda times: times + np.random.default_rng(1).uniform(-width_s, width_s, len(times))


def bursts(frames: int) -> Callable[[np.ndarray], np.ndarray]:
    """A program reads several frames at once, and writes them with the time of day."""
    return lambda times: (
        np.repeat(times[frames - 1 :: frames], frames)[: len(times)]
        + 0.0005 * (np.arange(len(times) // frames * frames) % frames)
    )


WOBBLES = {
    "a timer of 10 ms": timer(0.010, 0.004),
    "a timer of 15.6 ms": timer(0.015625),
    "20 ms of jitter": jitter(0.020),
    "40 ms of jitter": jitter(0.040),
    "four frames at once": bursts(4),
}


@pytest.mark.parametrize("frame_s", [Fraction(1, 100), Fraction(1024, 48_000), Fraction(1024, 44_100), FRAME_S])
@pytest.mark.parametrize("wobble", WOBBLES)
def test_wobble_around_contiguous_sound_cuts_nothing(wobble: str, frame_s: Fraction) -> None:
    times = even(3_000, float(frame_s))
    stamps = WOBBLES[wobble](times)
    begins = placed(stamps, frame_s)
    later = breaks(begins, float(frame_s))[round(2 / frame_s) :]
    assert np.count_nonzero(np.abs(later) > 1e-6) <= 2
    assert np.abs(np.array(begins) - times[: len(begins)]).max() < 0.09


@pytest.mark.parametrize("gap_s", [0.15, 0.5, 30.0])
@pytest.mark.parametrize("wobble", WOBBLES)
def test_a_real_gap_in_wobbling_timestamps_stays_a_gap(wobble: str, gap_s: float) -> None:
    times = even(1_000)
    times[600:] += gap_s
    begins = placed(WOBBLES[wobble](times))
    found = breaks(begins)
    largest = int(np.argmax(found))
    assert largest == 599
    assert found[largest] == pytest.approx(gap_s, abs=0.085)
    assert np.abs(np.array(begins) - times[: len(begins)]).max() < 0.09


def test_frames_that_agree_never_wait() -> None:
    clock = SteadyClock[str]()
    for number in range(100):
        assert list(clock.put("frame", number * FRAME_S + Fraction(number % 3, 1000), FRAME_S))


@pytest.mark.parametrize("gap_s", [0.02, 0.04, 0.3])
def test_even_timestamps_show_a_single_lost_frame_where_it_was(gap_s: float) -> None:
    times = even(300)
    times[100:] += gap_s
    np.testing.assert_allclose(placed(times), times, atol=1e-9)


def test_many_gaps_close_together_are_all_seen() -> None:
    times = even(400) + 0.02 * (np.arange(400) // 7)
    np.testing.assert_allclose(placed(times), times, atol=1e-9)


def test_a_frame_that_was_written_twice_overlaps() -> None:
    times = even(200)
    times[50:] -= float(FRAME_S)
    np.testing.assert_allclose(placed(times), times, atol=1e-9)


def test_one_wild_timestamp_moves_nothing() -> None:
    times = even(200)
    stamps = times.copy()
    stamps[80] += 1_000
    stamps[120] -= 1.5
    np.testing.assert_allclose(placed(stamps), times, atol=1e-9)


@pytest.mark.parametrize("drift", [-2e-3, -1e-4, 1e-4, 2e-3])
def test_a_clock_that_drifts_is_followed(drift: float) -> None:
    times = even(3_000) * (1 + drift)
    assert np.abs(np.array(placed(times)) - times).max() < 0.0075


@pytest.mark.parametrize("drift", [-1e-3, 1e-3])
def test_a_clock_that_drifts_and_wobbles_is_followed_over_seconds(drift: float) -> None:
    times = even(6_000) * (1 + drift)
    assert np.abs(np.array(placed(jitter(0.02)(times))) - times).max() < 0.05


def test_a_clock_that_starts_over_is_followed_with_its_gaps() -> None:
    times = np.concatenate([100 + even(200), even(10), even(90) + 0.4])
    np.testing.assert_allclose(placed(times), times, atol=1e-9)


def test_without_timestamps_frames_follow_each_other_and_damage_is_a_gap() -> None:
    clock = SteadyClock[str]()
    begins = [float(begin_s) for _, begin_s in clock.put("a", Fraction(5), FRAME_S)]
    begins += [float(begin_s) for _, begin_s in clock.put("b", None, FRAME_S)]
    clock.skip(FRAME_S)
    begins += [float(begin_s) for _, begin_s in clock.put("c", None, FRAME_S)]
    assert begins == pytest.approx([5.0, 5.02, 5.06])


def test_long_frames_wait_for_more_than_a_second() -> None:
    times = even(100, 0.5)
    begins = placed(jitter(0.02)(times), Fraction(1, 2))
    assert np.count_nonzero(np.abs(breaks(begins, 0.5)) > 1e-6) <= 4
    assert np.abs(np.array(begins) - times).max() < 0.045
