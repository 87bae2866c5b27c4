"""A short call on a fast clock: nobody's speech under another's name, nothing held of those who left."""

from bench.soak import Soak, soak


def test_what_everybody_says_is_found_where_they_said_it_and_nothing_is_kept() -> None:
    found = soak(hours=0.04, people=8, samples=2)
    assert found["segments"] >= 15
    assert found["misplaced"] == found["missing"] == found["faults"] == 0
    assert found["held_afterwards"] == {"streams": 0, "packet_streams": 0}


def test_a_mix_up_would_be_noticed() -> None:
    call = Soak(2)
    call._people[0].turn, call._people[1].turn = 1, 0  # each sends what the other's turns say
    call.run(20.0)
    for person in call._people:
        person.turn = 1 - person.turn
    call.hang_up()
    assert call.misplaced + call.missing > 0
