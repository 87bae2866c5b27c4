"""One /metrics of several processes: each worker's values under its own ``worker`` label."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


def merged(texts: Mapping[int, str], own: Collector) -> bytes:
    """The exposition texts of the workers, by number, and what ``own`` has, as one.

    A label and not a sum: a restarted worker counts from 0 again, which Prometheus allows for in a series of its own,
    and would take for a restart of everything in a sum.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families([*_labelled(texts), *own.collect()]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _labelled(texts: Mapping[int, str]) -> Iterator[Metric]:
    families: dict[str, Metric] = {}
    for number, text in texts.items():
        for family in text_string_to_metric_families(text):
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                whole.samples.append(sample._replace(labels={**sample.labels, "worker": str(number)}))
    yield from families.values()
