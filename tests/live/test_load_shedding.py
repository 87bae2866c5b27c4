"""What gives way under load, in which order, and how it comes back."""

import pytest

from ser_track.live.load_shedding import MAX_STEP, LoadShedding

TICK_S = 0.032
CONFIGURED = 3


@pytest.fixture
def load() -> LoadShedding:
    return LoadShedding(TICK_S, CONFIGURED)


def provisional(load: LoadShedding, took_s: float, seconds: float) -> int:
    """How many provisional results were allowed while each tick took so long."""
    made = 0
    for _ in range(round(seconds / max(took_s, TICK_S))):
        made += load.provisional_limit()
        load.note(took_s)
    return made


def test_at_ease_all_is_done(load: LoadShedding) -> None:
    assert provisional(load, 0.01, 3.2) == 100 * CONFIGURED
    assert load.step == 0


def test_after_one_late_tick_one_does_without(load: LoadShedding) -> None:
    assert load.note(0.05)
    assert load.provisional_limit() == 0
    assert not load.note(0.01)
    assert load.provisional_limit() == CONFIGURED
    assert load.step == 0, "once is no load"


def test_ticks_that_are_busy_for_long_make_fewer_and_fewer_until_there_are_as_good_as_none(load: LoadShedding) -> None:
    by_second = [provisional(load, 0.03, 1.0) for _ in range(6)]
    assert by_second == sorted(by_second, reverse=True)
    assert by_second[0] > 10
    assert by_second[-1] <= 1
    assert load.step == MAX_STEP


def test_late_ticks_make_none_at_all(load: LoadShedding) -> None:
    load.note(0.1)
    assert provisional(load, 0.1, 3.0) == 0


def test_it_comes_back_step_by_step(load: LoadShedding) -> None:
    provisional(load, 0.03, 6.0)
    assert load.step == MAX_STEP
    by_pair_of_seconds = [provisional(load, 0.005, 2.0) for _ in range(MAX_STEP + 1)]
    assert by_pair_of_seconds == sorted(by_pair_of_seconds)
    assert load.step == 0
    assert provisional(load, 0.005, 3.2) == 100 * CONFIGURED


def test_between_the_two_it_stays_as_it_is(load: LoadShedding) -> None:
    provisional(load, 0.03, 2.0)
    step = load.step
    assert 0 < step < MAX_STEP
    provisional(load, 0.7 * TICK_S, 10.0)
    assert load.step == step
