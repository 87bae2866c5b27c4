"""How many people a whole host can hear: a day of meetings, placed by the real code: `python -m bench.placement`.

One worker per core; meetings go where `ser_track.workers.placement` puts them, and stay there. What people cost is
measured elsewhere: --cost names a file with what `bench.live` or `bench.table` printed, --cost-ms one figure for all.
The day is simulated (`bench.meeting_day`: its distributions are assumptions), so the result is the same on every
machine. It prints one JSON object: the load of the busiest worker with --people in the busiest hour, and the most
people at which the busiest worker is over 90 % for at most 1 % of the day.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.meeting_day import DAY_S, SIZES, SimulatedMeeting, meetings_of_a_day
from ser_track.errors import MeetingFullError
from ser_track.workers.heartbeat import Heartbeat
from ser_track.workers.placement import Place, Placement

_STEP_S: Final = 30.0
"""Loads are noted and workers report this often. Real workers report each second, but only the end of a meeting, which
frees its name, waits for that."""
_FULL: Final = 0.9
_MAY_BE_FULL: Final = 0.01
_SEARCH_STEPS: Final = 8


@dataclass(frozen=True)
class Cost:
    """What a worker's people take of its core; people cost more each while they are few."""

    people: tuple[float, ...]
    load: tuple[float, ...]
    """Share of a core, at each number of ``people``, which begin with 0."""

    def of(self, people: int) -> float:
        """Share of a core: between measurements on a line, beyond the last one in proportion."""
        if people > self.people[-1]:
            return self.load[-1] * people / self.people[-1]
        return float(np.interp(people, self.people, self.load))


def main() -> None:
    args = parse_arguments()
    cost = constant_cost(args.cost_ms) if args.cost is None else read_cost(args.cost, args.levels)
    record: dict[str, Any] = {"cores": args.cores, "max_rooms": args.max_rooms, "seed": args.seed}
    record["cost_ms_by_people"] = {
        round(people): round(1000 * load / people, 2)
        for people, load in zip(cost.people, cost.load, strict=True)
        if people
    }
    record["sizes_assumed"] = [each._asdict() for each in SIZES]
    limits = args.cores, args.max_rooms, args.seed
    people = args.people or most_people(cost, *limits)
    record["people_in_the_busiest_hour"] = people
    record["found_by_search"] = args.people is None
    print(json.dumps(record | simulate(cost, people, *limits)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--cost-ms", type=float, help="CPU per participant and second")
    given.add_argument("--cost", type=Path, metavar="FILE", help="what bench.live or bench.table printed")
    parser.add_argument("--levels", action="store_true", help="of --cost, use the rows with audio levels")
    parser.add_argument("--cores", type=int, default=8)
    parser.add_argument("--people", type=int, help="in the busiest hour; default: the most that the host can hear")
    parser.add_argument("--max-rooms", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def constant_cost(cost_ms: float) -> Cost:
    """The same for each person, however many they are."""
    return Cost((0.0, 1.0), (0.0, cost_ms / 1000))


def read_cost(path: Path, levels: bool) -> Cost:
    """The cost by number of people, from the rows in which the server kept up: an overloaded one does less for each.

    Raises:
        SystemExit: the file has no such row.
    """
    document = json.loads(path.read_text().splitlines()[-1])
    rows = [
        row
        for row in document.get("rows", [document])
        if row.get("levels") == levels and row.get("packets_handled", 0) >= row.get("packets_sent", 1)
    ]
    if not rows:
        raise SystemExit(f"{path}: no row with levels={levels} whose packets were all handled; measure fewer people")
    points = sorted((row["participants"], row["cpu_ms_per_participant_s"]) for row in rows)
    loads = (people * cost_ms / 1000 for people, cost_ms in points)
    return Cost((0.0, *(float(people) for people, _ in points)), (0.0, *loads))


def most_people(cost: Cost, cores: int, max_rooms: int, seed: int) -> int:
    """The most people in the busiest hour with which the busiest worker is hardly ever full, by bisection."""
    least, most = 0, cores * next(people for people in range(1, 1_000_000) if cost.of(people) > _FULL)
    for _ in range(_SEARCH_STEPS):
        people = (least + most) // 2
        found = simulate(cost, people, cores, max_rooms, seed)
        if found["time_share_busiest_over_90_percent"] <= _MAY_BE_FULL:
            least = people
        else:
            most = people
    return least


def simulate(cost: Cost, people: int, cores: int, max_rooms: int, seed: int) -> dict[str, Any]:
    """A day with ``people`` in the busiest hour, on average."""
    day = Day(cores, max_rooms, meetings_of_a_day(people, seed))
    busiest, total = list[float](), list[int]()
    overloaded = set[str]()
    for step in range(1, int(DAY_S / _STEP_S) + 1):
        day.advance(step * _STEP_S)
        loads = [cost.of(number) for number in day.people_by_worker()]
        busiest.append(max(loads))
        total.append(sum(day.people_by_worker()))
        overloaded.update(*(day.meetings_on(worker) for worker, load in enumerate(loads) if load > 1))
    return {
        **{f"busiest_load_p{each}": round(float(np.percentile(busiest, each)), 3) for each in (50, 95, 99)},
        "busiest_load_max": round(max(busiest), 3),
        "time_share_busiest_over_90_percent": round(float(np.mean(np.array(busiest) > _FULL)), 4),
        "people_at_most": max(total),
        "people_per_core_at_most": round(max(total) / cores, 1),
        "meetings": len(day.meetings),
        "meetings_refused": len(day.refused),
        "meetings_overloaded": len(overloaded),
    }


class Day:
    """Meetings come and go, and the front places them."""

    def __init__(self, cores: int, max_rooms: int, meetings: Sequence[SimulatedMeeting]) -> None:
        self.meetings = meetings
        self.refused = set[str]()
        """Meetings that some people could not join."""
        self._placement: Placement[int] = Placement(max_rooms, 1)
        for worker in range(cores):
            self._placement.add(worker)
        self._inside: dict[str, list[Place[int]]] = {}
        """By meeting: for each person there, the place that their page holds."""
        joins = [(join_s, 1, meeting.name) for meeting in meetings for join_s in meeting.joins_s]
        ends = [(meeting.end_s, 0, meeting.name) for meeting in meetings]
        self._due = sorted(joins + ends, reverse=True)

    def advance(self, now: float) -> None:
        """Everything until ``now``, in seconds of the day, and then a report of each worker."""
        while self._due and self._due[-1][0] <= now:
            at, joins, name = self._due.pop()
            if joins:
                self._join(name)
            else:
                for place in self._inside.pop(name, []):
                    self._placement.rooms.release(place, at)
        for worker in self._placement.workers:
            people = {name: len(self._inside[name]) for name in self.meetings_on(worker)}
            self._placement.reported(worker, Heartbeat(people, {}, [], engine_alive=True), now)

    def meetings_on(self, worker: int) -> list[str]:
        """Names of the meetings with somebody in them on ``worker``."""
        return [name for name, places in self._inside.items() if places[0].worker == worker]

    def people_by_worker(self) -> list[int]:
        """How many people each worker hears."""
        found = [0] * len(self._placement.workers)
        for places in self._inside.values():
            found[places[0].worker] += len(places)
        return found

    def _join(self, name: str) -> None:
        try:
            place = self._placement.rooms.take(name)
        except MeetingFullError:
            self.refused.add(name)
        else:
            self._inside.setdefault(name, []).append(place)


if __name__ == "__main__":
    main()
