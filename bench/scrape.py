"""One answer of /metrics. Where a front merges the metrics of its workers, values are sums over them."""

import re
from typing import Final, NamedTuple

_SAMPLE: Final = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


class _Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


class Scrape:
    """The values of all metrics at one moment."""

    def __init__(self, text: str) -> None:
        self._samples = [
            _Sample(name, dict(_LABEL.findall(labels)), float(value)) for name, labels, value in _SAMPLE.findall(text)
        ]

    def find(self, name: str) -> float | None:
        """The value of a gauge or counter ``name``; `None` if the server does not have it."""
        values = [sample.value for sample in self._samples if sample.name in {name, f"{name}_total"}]
        return sum(values) if values else None

    def value(self, name: str) -> float:
        """As `find`, of a metric that must be there."""
        value = self.find(name)
        assert value is not None, f"{name} is not in /metrics"
        return value

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Every value of a metric, by the value of its ``label``."""
        found = dict[str, float]()
        for sample in self._samples:
            if sample.name == name:
                found[sample.labels[label]] = found.get(sample.labels[label], 0.0) + sample.value
        return found

    def percentile_ms(self, histogram: str, share: float) -> float | None:
        """Upper edge of the bucket that holds the ``share`` of observations; None if there are none."""
        buckets = self.by_label(f"{histogram}_bucket", "le")
        total = buckets.get("+Inf", 0.0)
        edges = [float(edge) for edge, count in buckets.items() if total and count >= share * total]
        return round(1000 * min(edges), 1) if edges else None


def difference(before: Scrape, after: Scrape, name: str) -> float | None:
    """By how much ``name`` has grown; `None` if the server does not have it."""
    first, last = before.find(name), after.find(name)
    return None if first is None or last is None else last - first
