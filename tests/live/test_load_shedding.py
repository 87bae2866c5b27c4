"""How many provisional results give way when classification is behind, and how they come back."""

import pytest

from ser_track.live.load_shedding import MAX_STEP, LoadShedding

TICK_S = 0.032


class Clock:
    """Notes the same state for a while, tick by tick."""

    def __init__(self) -> None:
        self.load = LoadShedding()
        self.now = 100.0

    def note(self, seconds: float, final_s: float = 0.0, provisional_s: float = 0.0, busy: float = 0.0) -> list[int]:
        """``busy`` is the share of the time in which a provisional job runs; returns the step after each tick."""
        steps, ran = [], 0.0
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            ran += busy
            running, ran = ran >= 1, ran % 1
            self.load.note(self.now, final_s, provisional_s, running, running)
            steps.append(self.load.step)
        return steps


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_while_nothing_is_late_everything_is_made_however_busy_the_classifier_is(clock: Clock) -> None:
    assert set(clock.note(10.0, final_s=0.2, provisional_s=0.9, busy=1.0)) == {0}
    assert clock.load.one_in == 1


@pytest.mark.parametrize(("final_s", "provisional_s"), [(0.3, 0.0), (0.0, 1.1)])
def test_while_something_is_late_the_rate_is_halved_every_second_to_almost_nothing(
    clock: Clock, final_s: float, provisional_s: float
) -> None:
    clock.note(1.0)
    steps = clock.note(10.0, final_s, provisional_s, busy=1.0)
    assert [steps.index(step) for step in (1, 2, 3)] == [15, 47, 79]
    assert steps == sorted(steps)
    assert steps[-1] == MAX_STEP
    assert clock.load.one_in == 64


def test_several_long_segments_that_end_at_once_are_no_load(clock: Clock) -> None:
    clock.note(1.0)
    for _ in range(10):
        clock.note(0.4, final_s=0.5, busy=1.0)
        clock.note(1.6, busy=1.0)
    assert clock.load.step == 0


def test_lateness_that_comes_and_goes_is_load_too(clock: Clock) -> None:
    clock.note(1.0)
    for _ in range(10):
        clock.note(0.2, final_s=0.5, busy=1.0)
        clock.note(0.2, busy=1.0)
    assert clock.load.step >= 2


def test_it_comes_back_step_by_step_when_nothing_is_late_and_there_is_time(clock: Clock) -> None:
    clock.note(3.0, final_s=1.0, busy=1.0)
    assert clock.load.step == 3
    steps = clock.note(10.0)
    assert steps == sorted(steps, reverse=True)
    assert steps[round(1.9 / TICK_S)] == 3
    assert steps[-1] == 0


def test_a_step_that_would_be_taken_again_at_once_is_not_undone(clock: Clock) -> None:
    clock.note(1.0, provisional_s=1.1, busy=1.0)
    assert clock.load.step == 1
    assert set(clock.note(20.0, busy=0.6)) == {1}, "twice as many results would take more than all of its time"
    assert clock.note(20.0, busy=0.3)[-1] == 0


def test_time_without_ticks_undoes_one_step_at_most(clock: Clock) -> None:
    clock.note(3.0, final_s=1.0, busy=1.0)
    clock.now += 3_600.0
    clock.note(TICK_S)
    assert clock.load.step == 2
