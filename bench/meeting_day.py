"""A day of meetings for simulations: when they begin, how long they last, and how many people come.

The distributions are assumptions, not measurements: services do not publish theirs. They have the shape of an office's
day, which is harder for placement than an even load: most meetings begin with the hour or half hour, most are small,
and a few are so large that they fill a worker.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY_S: Final = 86_400.0
_SLOT_S: Final = 1_800.0
_ON_THE_SLOT: Final = 0.7
"""Share of meetings that begin with the hour or half hour."""
_COME_WITHIN_S: Final = 120.0
"""People join evenly over this time."""
_MEDIAN_S, _SPREAD, _SHORTEST_S, _LONGEST_S = 1_800.0, 0.7, 300.0, 10_800.0
_BY_HOUR: Final = (1, 1, 1, 1, 2, 4, 10, 30, 70, 95, 100, 85, 55, 80, 100, 95, 70, 40, 20, 12, 10, 6, 3, 2)
"""How many meetings begin in each hour, in percent of the busiest."""


class SizeClass(NamedTuple):
    """Meetings of ``least`` to ``most`` people, evenly on a logarithmic scale."""

    share: float
    least: int
    most: int


SIZES: Final = (SizeClass(0.75, 2, 8), SizeClass(0.20, 9, 30), SizeClass(0.04, 31, 50), SizeClass(0.01, 51, 250))


@dataclass(frozen=True)
class SimulatedMeeting:
    """One meeting; everybody leaves at its end."""

    name: str
    joins_s: tuple[float, ...]
    """When each person joins, in order, in seconds of the day."""
    end_s: float


def meetings_of_a_day(people: float, seed: int = 0) -> list[SimulatedMeeting]:
    """Meetings with ``people`` in all of them together in the busiest hour, on average.

    The same for the same seed; with more people, there are more meetings beside the same ones.
    """
    random = np.random.default_rng(seed)
    sizes, lengths_s = _sizes(random, 100_000), _lengths_s(random, 100_000)
    busiest_hour = people * 3_600 / (sizes.mean() * lengths_s.mean())
    expected = busiest_hour * sum(_BY_HOUR) / max(_BY_HOUR)
    meetings = list[SimulatedMeeting]()
    reached = random.exponential()  # a Poisson process: meetings come one by one, until there are enough
    while reached < expected:
        meetings.append(_meeting(random, f"m{len(meetings)}"))
        reached += random.exponential()
    return meetings


def _meeting(random: np.random.Generator, name: str) -> SimulatedMeeting:
    hour = random.choice(len(_BY_HOUR), p=np.array(_BY_HOUR) / sum(_BY_HOUR))
    begin_s = (hour + random.random()) * 3_600
    if random.random() < _ON_THE_SLOT:
        begin_s -= begin_s % _SLOT_S
    size, length_s = int(_sizes(random, 1)[0]), float(_lengths_s(random, 1)[0])
    joins_s = sorted(begin_s + random.random(size) * _COME_WITHIN_S)
    return SimulatedMeeting(name, tuple(map(float, joins_s)), begin_s + length_s)


def _sizes(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    classes = random.choice(len(SIZES), count, p=[each.share for each in SIZES])
    least = np.array([math.log(each.least) for each in SIZES])[classes]
    most = np.array([math.log(each.most + 1) for each in SIZES])[classes]
    sizes: NDArray[np.int64] = np.exp(least + random.random(count) * (most - least)).astype(np.int64)
    return np.maximum(sizes, SIZES[0].least)


def _lengths_s(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.clip(_MEDIAN_S * np.exp(random.normal(0, _SPREAD, count)), _SHORTEST_S, _LONGEST_S)
