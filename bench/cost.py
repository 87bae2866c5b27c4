"""What people cost a worker, from the output of other benchmarks."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

FULL: Final = 0.9
"""A worker whose core is busier than this has no time left for what is unusual."""


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

    def fitting(self) -> int:
        """The most people who leave a worker some time."""
        return next(people for people in itertools.count() if self.of(people + 1) > FULL)


def constant_cost(cost_ms: float) -> Cost:
    """The same for each person, however many they are."""
    return Cost((0.0, 1.0), (0.0, cost_ms / 1000))


def read_cost(path: Path, levels: bool) -> Cost:
    """The cost by number of people, from the rows in which callers and server kept up.

    An overloaded server does less for each person, so its cost says nothing.

    Raises:
        SystemExit: the file has no such row.
    """
    document = json.loads(path.read_text().splitlines()[-1])
    rows = [row for row in document.get("rows", [document]) if row.get("levels") == levels and _kept_up(row)]
    if not rows:
        raise SystemExit(
            f"{path}: no row with levels={levels} in which callers and server kept up; measure fewer people"
        )
    points = sorted((row["participants"], row["cpu_ms_per_participant_s"]) for row in rows)
    loads = (people * cost_ms / 1000 for people, cost_ms in points)
    return Cost((0.0, *(float(people) for people, _ in points)), (0.0, *loads))


def _kept_up(row: dict[str, Any]) -> bool:
    return bool(row.get("sender_kept_up")) and row["packets_handled"] >= row["packets_sent"]
