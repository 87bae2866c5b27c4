"""Who is heard in which tick while nobody speaks."""

from collections import Counter

import pytest

from ser_track.live.turns import Turns


def test_a_few_share_one_turn_and_the_other_ticks_can_be_slept_through() -> None:
    turns = Turns(4)
    assert {turns.join() for _ in range(31)} == {0}
    ahead = []
    for _ in range(5):
        ahead.append(turns.empty_ticks())
        turns.pass_ticks(1)
    assert ahead == [0, 3, 2, 1, 0]


def test_many_are_divided_evenly() -> None:
    turns = Turns(4)
    joined = Counter(turns.join() for _ in range(250))
    assert sum(joined.values()) == 250
    assert all(58 <= count <= 64 for count in joined.values())
    for _ in range(8):
        assert turns.empty_ticks() == 0
        turns.pass_ticks(1)


def test_those_who_left_make_room() -> None:
    turns = Turns(2)
    first = [turns.join() for _ in range(64)]
    for turn in first:
        turns.leave(turn)
    assert turns.join() == 0
    turns.pass_ticks(1)
    assert turns.empty_ticks() == 1


@pytest.mark.parametrize("members", [0, 1, 500])
def test_with_one_turn_every_tick_hears_everybody(members: int) -> None:
    turns = Turns(1)
    assert {turns.join() for _ in range(members)} <= {0}
    turns.pass_ticks(3)
    assert (turns.now, turns.empty_ticks()) == (0, 0)
