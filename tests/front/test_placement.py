"""Where rooms go, in any order of events, without a process."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.errors import MeetingFullError, NoWorkerError
from ser_track.front.backoff import SETTLED_S, Backoff
from ser_track.front.placement import Place, Placement


def placement(*workers: str, max_rooms: int = 10) -> Placement[str]:
    made: Placement[str] = Placement(max_rooms)
    for worker in workers:
        made.add(worker)
    return made


def test_new_rooms_go_where_the_fewest_people_are_and_stay_there() -> None:
    rooms = placement("a", "b")
    assert [rooms.take(room).worker for room in ("one", "two", "one", "one", "three", "four")] == list("abaabb")
    rooms.reported("b", {"two": 7, "three": 1, "four": 1}, asked_at=1)
    assert rooms.take("five").worker == "a"
    assert rooms.take("two").worker == "b", "a room does not move, however full its worker is"


def test_a_room_is_forgotten_by_the_first_report_that_was_asked_for_after_its_last_request() -> None:
    rooms = placement("a", "b")
    place = rooms.take("one")
    rooms.reported("a", {}, asked_at=1)
    assert len(rooms) == 1, "its first person is still on the way"
    rooms.release(place, now=2)
    rooms.reported("a", {}, asked_at=1.5)
    assert len(rooms) == 1, "the report was asked for before that"
    rooms.reported("b", {}, asked_at=3)
    assert len(rooms) == 1, "it is not b's to say"
    rooms.reported("a", {"one": 2}, asked_at=3)
    assert (len(rooms), rooms.people) == (1, 2)
    rooms.reported("a", {}, asked_at=4)
    assert (len(rooms), rooms.people) == (0, 0)


def test_one_room_too_many_is_refused_as_by_a_single_process_and_known_rooms_are_not() -> None:
    rooms = placement("a", "b", max_rooms=2)
    first, _ = rooms.take("one"), rooms.take("two")
    with pytest.raises(MeetingFullError, match="this server has its 2 rooms in use"):
        rooms.take("three")
    assert rooms.take("one").worker == "a"
    for _ in range(2):
        rooms.release(first, now=1)
    rooms.reported("a", {}, asked_at=2)
    assert rooms.take("three").worker == "a"


def test_the_rooms_of_a_dead_worker_are_free_to_go_elsewhere() -> None:
    rooms = placement("a", "b")
    lost = rooms.take("one")
    rooms.remove("a")
    again = rooms.take("one")
    assert again.worker == "b"
    rooms.release(lost, now=1)
    rooms.reported("a", {"one": 3}, asked_at=2)
    rooms.reported("b", {}, asked_at=2)
    assert rooms.take("one") is again, "what was under way to the dead one has no say any more"


def test_without_a_worker_there_is_a_refusal_that_programs_may_retry() -> None:
    rooms = placement()
    with pytest.raises(NoWorkerError) as refused:
        rooms.take("one")
    assert (refused.value.status, refused.value.code) == (503, "restarting")
    with pytest.raises(NoWorkerError):
        rooms.worker_of(None)


def test_who_does_not_answer_gets_new_rooms_last() -> None:
    rooms = placement("a", "b")
    rooms.avoided.add("a")
    assert {rooms.take(room).worker for room in ("one", "two", "three")} == {"b"}
    rooms.remove("b")
    assert rooms.take("four").worker == "a"


def test_a_room_that_only_its_worker_knows_of_is_kept_to_it() -> None:
    rooms = placement("a", "b")
    rooms.reported("b", {"one": 1}, asked_at=1)
    assert rooms.take("one").worker == "b"


STEPS = st.lists(st.tuples(st.sampled_from(["take", "release", "report", "die"]), st.integers(0, 5)), max_size=60)


@given(STEPS)
def test_whatever_happens_a_room_is_on_one_living_worker_and_there_are_never_too_many(
    steps: list[tuple[str, int]],
) -> None:
    rooms = placement("w0", "w1", max_rooms=3)
    held: list[Place[str]] = []
    lives = 2

    def take(number: int) -> None:
        try:
            held.append(rooms.take(f"r{number}"))
        except MeetingFullError:
            assert len(rooms) == 3

    def release(number: int) -> None:
        if held:
            rooms.release(held.pop(number % len(held)), now=clock)

    clock = 0

    def report(number: int) -> None:
        worker = rooms.workers[number % 2]
        alive = {place.room: 1 for place in held if place.worker == worker}
        rooms.reported(worker, alive, asked_at=clock)

    def die(number: int) -> None:
        nonlocal lives
        rooms.remove(rooms.workers[number % 2])
        rooms.add(f"w{lives}")
        lives += 1

    doing: dict[str, Callable[[int], None]] = {"take": take, "release": release, "report": report, "die": die}
    for what, number in steps:
        doing[what](number)
        clock += 1
        assert len(rooms) <= 3
        where = [room for worker in rooms.workers for room in rooms.rooms_of(worker)]
        assert len(where) == len(set(where)) == len(rooms)
        assert {place.room for place in held if place.worker in rooms.workers} <= set(where)


def test_a_worker_is_restarted_at_once_and_later_and_later_if_it_always_ends_at_its_start() -> None:
    backoff = Backoff()
    assert [backoff.wait_s(1.0) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.wait_s(SETTLED_S) == 0
    assert [backoff.wait_s(1.0) for _ in range(3)] == [0, 0.5, 1]
    assert max(backoff.wait_s(0) for _ in range(5000)) == 30
