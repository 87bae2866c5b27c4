"""Where rooms and meetings go, in any order of events, without a process."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_track.errors import MeetingFullError, NotFoundError, NoWorkerError
from ser_track.workers.heartbeat import Heartbeat
from ser_track.workers.placement import Place, Placement
from ser_track.workers.restart_delay import SETTLED_S, RestartDelay


def placement(*workers: str, max_rooms: int = 10, max_meetings: int = 10) -> Placement[str]:
    made: Placement[str] = Placement(max_rooms, max_meetings)
    for worker in workers:
        made.add(worker)
    return made


def report(
    rooms: dict[str, int] | None = None, meetings: dict[str, int] | None = None, ids: Sequence[str] = ()
) -> Heartbeat:
    return Heartbeat(rooms or {}, meetings or {}, list(ids), engine_alive=True)


def test_new_rooms_go_where_the_fewest_people_are_and_stay_there() -> None:
    placed = placement("a", "b")
    assert [placed.rooms.take(room).worker for room in ("one", "two", "one", "one", "three", "four")] == list("abaabb")
    placed.reported("b", report({"two": 7, "three": 1, "four": 1}), asked_at=1)
    assert placed.rooms.take("five").worker == "a"
    assert placed.rooms.take("two").worker == "b", "a room does not move, however full its worker is"


def test_a_room_is_forgotten_by_the_first_report_that_was_asked_for_after_its_last_request() -> None:
    placed = placement("a", "b")
    place = placed.rooms.take("one")
    placed.reported("a", report({}), asked_at=1)
    assert len(placed.rooms) == 1, "its first person is still on the way"
    placed.rooms.release(place, now=2)
    placed.reported("a", report({}), asked_at=1.5)
    assert len(placed.rooms) == 1, "the report was asked for before that"
    placed.reported("b", report({}), asked_at=3)
    assert len(placed.rooms) == 1, "it is not b's to say"
    placed.reported("a", report({"one": 2}), asked_at=3)
    assert (len(placed.rooms), placed.rooms.people) == (1, 2)
    placed.reported("a", report({}), asked_at=4)
    assert (len(placed.rooms), placed.rooms.people) == (0, 0)


def test_a_place_that_begins_again_returns_to_the_worker_that_remembers_it() -> None:
    placed = placement("a", "b")
    place = placed.meetings.take("bridge")
    placed.reported("b", report({"crowd": 1}), asked_at=1)
    placed.meetings.release(place, now=2)
    placed.reported("a", report({"party": 9}), asked_at=3)
    assert len(placed.meetings) == 0
    assert placed.meetings.take("bridge").worker == "a", "what people there answered is known on no other"
    placed.remove("a")
    assert placed.meetings.take("bridge").worker == "b"


def test_one_room_too_many_is_refused_as_by_a_single_process_and_known_rooms_are_not() -> None:
    placed = placement("a", "b", max_rooms=2)
    first, _ = placed.rooms.take("one"), placed.rooms.take("two")
    with pytest.raises(MeetingFullError, match="all 2 rooms of this server are in use"):
        placed.rooms.take("three")
    assert placed.rooms.take("one").worker == "a"
    for _ in range(2):
        placed.rooms.release(first, now=1)
    placed.reported("a", report({}), asked_at=2)
    assert placed.rooms.take("three").worker == "a"


def test_the_rooms_of_a_dead_worker_are_free_to_go_elsewhere() -> None:
    placed = placement("a", "b")
    lost = placed.rooms.take("one")
    placed.remove("a")
    again = placed.rooms.take("one")
    assert again.worker == "b"
    placed.rooms.release(lost, now=1)
    placed.reported("a", report({"one": 3}), asked_at=2)
    placed.reported("b", report({}), asked_at=2)
    assert placed.rooms.take("one") is again, "what was under way to the dead one has no say any more"


def test_without_a_worker_there_is_a_refusal_that_programs_may_retry() -> None:
    placed = placement()
    with pytest.raises(NoWorkerError) as refused:
        placed.rooms.take("one")
    assert (refused.value.status, refused.value.code) == (503, "restarting")
    with pytest.raises(NoWorkerError):
        placed.rooms.worker_of(None)


def test_who_does_not_answer_gets_new_rooms_last() -> None:
    placed = placement("a", "b")
    placed.avoided.add("a")
    assert {placed.rooms.take(room).worker for room in ("one", "two", "three")} == {"b"}
    placed.remove("b")
    assert placed.rooms.take("four").worker == "a"


def test_a_room_that_only_its_worker_knows_of_is_kept_to_it() -> None:
    placed = placement("a", "b")
    placed.reported("b", report({"one": 1}), asked_at=1)
    assert placed.rooms.take("one").worker == "b"


def test_meetings_count_as_people_do_and_have_a_limit_of_their_own() -> None:
    placed = placement("a", "b", max_rooms=1, max_meetings=2)
    placed.rooms.take("one")
    joining = placed.meetings.take("joining 1")
    assert joining.worker == "b"
    placed.meetings.release(joining, now=1)
    placed.joined("m-1", "b", now=1)
    placed.reported("b", report(meetings={"m-1": 5}, ids=["m-1"]), asked_at=2)
    assert placed.meetings.on("b") == ["m-1"], "its place has its id from now on"
    assert placed.meetings.take("mediajson x").worker == "a", "five people are with b"
    with pytest.raises(MeetingFullError, match=r"in 2 meetings, as many as meetings\.max_meetings"):
        placed.meetings.take("joining 2")
    assert placed.meetings.take("mediajson x").worker == "a"
    assert len(placed.rooms) == 1


def test_a_meeting_is_found_from_its_answer_or_report_on_until_its_worker_forgets_it_or_ends() -> None:
    placed = placement("a", "b")
    placed.joined("m-1", "a", now=2)
    placed.reported("a", report(), asked_at=1)
    assert placed.directory.worker_of("m-1") == "a", "the report was asked for before it was there"
    placed.reported("b", report(ids=["m-2", "m-3"]), asked_at=3)
    placed.reported("b", report(ids=["m-3"]), asked_at=4)
    with pytest.raises(NotFoundError, match="there is no meeting 'm-2'; GET /meetings"):
        placed.directory.worker_of("m-2")
    placed.remove("b")
    placed.reported("b", report(ids=["m-3"]), asked_at=5)
    placed.joined("m-4", "b", now=5)
    with pytest.raises(NotFoundError, match="meeting 'm-3' ended because its process ended"):
        placed.directory.worker_of("m-3")
    with pytest.raises(NotFoundError, match="there is no meeting 'm-4'"):
        placed.directory.worker_of("m-4")


STEPS = st.lists(st.tuples(st.sampled_from(["take", "release", "report", "die"]), st.integers(0, 5)), max_size=60)


@given(STEPS)
def test_whatever_happens_a_room_is_on_one_living_worker_and_there_are_never_too_many(
    steps: list[tuple[str, int]],
) -> None:
    placed = placement("w0", "w1", max_rooms=3)
    held: list[Place[str]] = []
    lives = 2

    def take(number: int) -> None:
        try:
            held.append(placed.rooms.take(f"r{number}"))
        except MeetingFullError:
            assert len(placed.rooms) == 3

    def release(number: int) -> None:
        if held:
            placed.rooms.release(held.pop(number % len(held)), now=clock)

    clock = 0

    def told(number: int) -> None:
        worker = placed.workers[number % 2]
        alive = {place.name: 1 for place in held if place.worker == worker}
        placed.reported(worker, report(alive), asked_at=clock)

    def die(number: int) -> None:
        nonlocal lives
        placed.remove(placed.workers[number % 2])
        placed.add(f"w{lives}")
        lives += 1

    doing: dict[str, Callable[[int], None]] = {"take": take, "release": release, "report": told, "die": die}
    for what, number in steps:
        doing[what](number)
        clock += 1
        assert len(placed.rooms) <= 3
        where = [room for worker in placed.workers for room in placed.rooms.on(worker)]
        assert len(where) == len(set(where)) == len(placed.rooms)
        assert {place.name for place in held if place.worker in placed.workers} <= set(where)


def test_a_worker_is_restarted_at_once_and_later_and_later_if_it_always_ends_at_its_start() -> None:
    backoff = RestartDelay()
    assert [backoff.wait_s(1.0) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.wait_s(SETTLED_S) == 0
    assert [backoff.wait_s(1.0) for _ in range(3)] == [0, 0.5, 1]
    assert max(backoff.wait_s(0) for _ in range(5000)) == 30
