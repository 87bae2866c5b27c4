"""Merges the /metrics of several processes: each worker's values get their own ``worker`` label."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


def merged(texts: Mapping[int, str], own: Collector) -> bytes:
    """Merge the exposition texts of the workers, by number, with the metrics of ``own``.

    A label and not a sum: a restarted worker counts from 0 again. Prometheus handles that in a separate series; in a
    sum it would look like a restart of everything.
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
