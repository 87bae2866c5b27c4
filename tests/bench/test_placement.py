"""The simulated host: the same for the same seed, and worse where it must be worse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cost import Cost, constant_cost, read_cost
from bench.meeting_day import SimulatedMeeting, meetings_of_a_day
from bench.placement import Day, Host, most_people, simulate

_HOST = Host(cores=2, max_rooms=100, max_participants=100, seeds=(0,))


def test_a_day_is_the_same_for_the_same_seed() -> None:
    day = meetings_of_a_day(100, seed=1)
    assert meetings_of_a_day(100, seed=1) == day
    assert meetings_of_a_day(100, seed=2) != day
    assert meetings_of_a_day(200, seed=1)[: len(day)] == day, "more people bring more meetings"
    sizes = [len(meeting.joins_s) for meeting in day]
    assert (min(sizes), max(sizes) <= 250) == (2, True)
    assert sum(size <= 8 for size in sizes) > len(sizes) / 2


def test_meetings_go_to_the_worker_with_the_fewest_people_and_stay() -> None:
    crowd = SimulatedMeeting("crowd", (1.0, 2.0, 3.0), end_s=90.0)
    pair = SimulatedMeeting("pair", (4.0, 5.0), end_s=40.0)
    late = SimulatedMeeting("late", (50.0, 51.0), end_s=100.0)
    day = Day(_HOST, [crowd, pair, late])
    day.advance(30)
    assert (day.meetings_on(0), day.meetings_on(1), day.people_by_worker()) == (["crowd"], ["pair"], [3, 2])
    day.advance(60)
    assert (day.meetings_on(0), day.meetings_on(1)) == (["crowd"], ["late"])
    day.advance(120)
    assert (day.people_by_worker(), day.refused) == ([0, 0], set())


def test_a_meeting_beyond_the_limit_of_rooms_is_refused() -> None:
    first, second = SimulatedMeeting("first", (1.0,), 90.0), SimulatedMeeting("second", (2.0, 3.0), 90.0)
    day = Day(replace(_HOST, max_rooms=1), [first, second])
    day.advance(30)
    assert (day.refused, day.people_refused, day.people_by_worker()) == ({"second"}, 2, [1, 0])


def test_people_beyond_the_limit_of_a_meeting_are_refused() -> None:
    day = Day(replace(_HOST, max_participants=2), [SimulatedMeeting("crowd", (1.0, 2.0, 3.0), 90.0)])
    day.advance(30)
    assert (day.refused, day.people_refused, day.people_by_worker()) == (set(), 1, [2, 0])


def test_a_dearer_person_loads_the_busiest_worker_more() -> None:
    cheap, dear = (simulate(constant_cost(ms), _HOST, 40) for ms in (2.0, 4.0))
    assert dear["busiest_load_max"] == pytest.approx(2 * cheap["busiest_load_max"], abs=2e-3)
    assert dear["people_at_most"] == cheap["people_at_most"] > 0
    assert simulate(constant_cost(4.0), _HOST, 40) == dear


def test_the_most_people_hardly_ever_fill_the_busiest_worker() -> None:
    cost, host = constant_cost(20.0), replace(_HOST, max_participants=20)
    assert cost.fitting() == 45
    people = most_people(cost, host)
    assert 0 < people < 2 * 45
    assert simulate(cost, host, people)["people_time_share_over_90_percent"] <= 0.01


def test_costs_come_from_rows_in_which_the_server_kept_up(tmp_path: Path) -> None:
    def row(people: int, cost_ms: float, handled: int, levels: bool = False) -> dict[str, object]:
        return {
            "participants": people,
            "levels": levels,
            "cpu_ms_per_participant_s": cost_ms,
            "packets_handled": handled,
            "packets_sent": 100,
            "sender_kept_up": people != 300,
        }

    file = tmp_path / "table.json"
    rows = [
        row(100, 5.0, 100),
        row(200, 4.0, 100),
        row(500, 1.9, 60),
        row(300, 9.0, 100),
        row(100, 2.0, 100, levels=True),
    ]
    file.write_text("a line before\n" + json.dumps({"rows": rows}) + "\n")
    cost = read_cost(file, levels=False)
    assert cost == Cost((0.0, 100.0, 200.0), (0.0, 0.5, 0.8))
    assert [cost.of(people) for people in (0, 50, 100, 150, 400)] == pytest.approx([0, 0.25, 0.5, 0.65, 1.6])
    file.write_text(json.dumps(rows[4]))
    assert read_cost(file, levels=True).of(50) == pytest.approx(0.1)
    with pytest.raises(SystemExit, match="levels=False"):
        read_cost(file, levels=False)
