"""How many people a whole host can hear: days of meetings, placed by the real code: `python -m bench.placement`.

One worker per core; meetings go where `ser_track.workers.placement` puts them, and stay there. What people cost is
measured elsewhere: --cost names a file with what `bench.live` or `bench.table` printed, --cost-ms one figure for all.
The days are simulated (`bench.meeting_day`: their distributions are assumptions), so the result is the same on every
machine. It prints one JSON object: the load of the busiest worker with --people in the busiest hour; without --people,
with the most that spend at most 1 % of their time on a worker over 90 %.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.cost import FULL, Cost, constant_cost, read_cost
from bench.meeting_day import DAY_S, SIZES, SimulatedMeeting, meetings_of_a_day
from ser_track.errors import MeetingFullError
from ser_track.workers.heartbeat import Heartbeat
from ser_track.workers.placement import Place, Placement

_STEP_S: Final = 30.0
"""Loads are noted and workers report this often. Real workers report each second, but only the end of a meeting, which
frees its name, waits for that."""
_MAY_BE_FULL: Final = 0.01
_SEARCH_STEPS: Final = 8


@dataclass(frozen=True)
class Host:
    """A machine and its limits, and the days that are simulated on it."""

    cores: int
    max_rooms: int
    max_participants: int
    """Of one meeting; more are refused, as by ``rooms.max_participants``."""
    seeds: Sequence[int]
    """One for each day."""


def main() -> None:
    args = parse_arguments()
    cost = constant_cost(args.cost_ms) if args.cost is None else read_cost(args.cost, args.levels)
    most = args.max_participants or min(SIZES[-1].most, cost.fitting() // 2)
    host = Host(args.cores, args.max_rooms, most, range(args.seed, args.seed + args.days))
    people = args.people or most_people(cost, host)
    costs = zip(cost.people[1:], cost.load[1:], strict=True)
    record = {
        "cores": host.cores,
        "people_if_evenly_spread": host.cores * cost.fitting(),
        "max_rooms": host.max_rooms,
        "max_participants": host.max_participants,
        "days": args.days,
        "seed": args.seed,
        "sizes_assumed": [each._asdict() for each in SIZES],
        "cost_ms_by_people": {round(number): round(1000 * load / number, 2) for number, load in costs},
        "people_in_the_busiest_hour": people,
        "found_by_search": args.people is None,
    }
    print(json.dumps(record | simulate(cost, host, people)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--cost-ms", type=float, help="CPU per participant and second")
    given.add_argument("--cost", type=Path, metavar="FILE", help="what bench.live or bench.table printed")
    parser.add_argument("--levels", action="store_true", help="of --cost, use the rows with audio levels")
    parser.add_argument("--cores", type=int, default=8)
    parser.add_argument("--people", type=int, help="in the busiest hour; default: the most that the host can hear")
    parser.add_argument("--max-rooms", type=int, default=100_000)
    parser.add_argument("--max-participants", type=int, help="default: 250, and half of what fits on a worker")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def most_people(cost: Cost, host: Host) -> int:
    """The most people in the busiest hour who hardly ever share a full worker, by bisection."""
    least, most = 0, host.cores * cost.fitting()
    for _ in range(_SEARCH_STEPS):
        people = (least + most) // 2
        if simulate(cost, host, people)["people_time_share_over_90_percent"] <= _MAY_BE_FULL:
            least = people
        else:
            most = people
    return least


def simulate(cost: Cost, host: Host, people: int) -> dict[str, Any]:
    """Days with ``people`` in the busiest hour, on average."""
    days = [Day(host, meetings_of_a_day(people, seed)) for seed in host.seeds]
    busiest, total, crowded = list[float](), list[int](), list[int]()
    overloaded = 0
    for day in days:
        full = set[str]()
        for step in range(1, int(DAY_S / _STEP_S) + 1):
            day.advance(step * _STEP_S)
            by_worker = day.people_by_worker()
            loads = [cost.of(number) for number in by_worker]
            busiest.append(max(loads))
            total.append(sum(by_worker))
            crowded.append(sum(number for number, load in zip(by_worker, loads, strict=True) if load > FULL))
            full.update(*(day.meetings_on(worker) for worker, load in enumerate(loads) if load > 1))
        overloaded += len(full)
    return {
        **{f"busiest_load_p{each}": round(float(np.percentile(busiest, each)), 3) for each in (50, 95, 99)},
        "busiest_load_max": round(max(busiest), 3),
        "time_share_busiest_over_90_percent": round(float(np.mean(np.array(busiest) > FULL)), 4),
        "people_time_share_over_90_percent": round(sum(crowded) / max(1, sum(total)), 4),
        "people_at_most": max(total),
        "people_per_core_at_most": round(max(total) / host.cores, 1),
        "meetings": sum(len(day.meetings) for day in days),
        "meetings_refused": sum(len(day.refused) for day in days),
        "meetings_overloaded": overloaded,
        "people_refused": sum(day.people_refused for day in days),
    }


class Day:
    """Meetings come and go, and the front places them."""

    def __init__(self, host: Host, meetings: Sequence[SimulatedMeeting]) -> None:
        self.meetings = meetings
        self.people_refused = 0
        self.refused = set[str]()
        """Meetings that found no place."""
        self._max_participants = host.max_participants
        self._placement: Placement[int] = Placement(host.max_rooms, 1)
        for worker in range(host.cores):
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
        if len(self._inside.get(name, ())) >= self._max_participants:
            self.people_refused += 1
            return
        try:
            place = self._placement.rooms.take(name)
        except MeetingFullError:
            self.people_refused += 1
            self.refused.add(name)
        else:
            self._inside.setdefault(name, []).append(place)


if __name__ == "__main__":
    main()
