"""One exposition out of several: every value is there under its worker's label, and Prometheus can read it."""

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from ser_track.live.metrics import Metrics
from ser_track.workers.merged_metrics import merged


def counted(audio_s: float, emotions: int) -> str:
    metrics = Metrics()
    metrics.audio_s.inc(audio_s)
    metrics.events.labels(type="emotion").inc(emotions)
    metrics.tick_s.observe(0.003)
    return metrics.text().decode()


def test_values_keep_their_labels_types_and_words_and_get_their_workers_number() -> None:
    own = CollectorRegistry()
    Counter("ser_track_worker_restarts", "Restarts", ["worker"], registry=own).labels(worker="2").inc()
    text = merged({1: counted(1.5, 3), 2: counted(2.5, 4)}, own).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    alone = {family.name: family for family in text_string_to_metric_families(counted(0, 0))}
    for name, family in alone.items():
        assert (families[name].type, families[name].documentation) == (family.type, family.documentation)
    values = {(s.name, *sorted(s.labels.items())): s.value for family in families.values() for s in family.samples}
    assert values["ser_track_audio_seconds_total", ("worker", "1")] == 1.5
    assert values["ser_track_audio_seconds_total", ("worker", "2")] == 2.5
    assert values["ser_track_events_total", ("type", "emotion"), ("worker", "2")] == 4
    assert values["ser_track_tick_seconds_bucket", ("le", "0.004"), ("worker", "1")] == 1
    assert values["ser_track_worker_restarts_total", ("worker", "2")] == 1
    assert text.count("# TYPE ser_track_rooms gauge") == 1
    assert text.count("# TYPE ser_track_events_total counter") == 1


def test_without_a_worker_the_fronts_own_values_are_there() -> None:
    own = CollectorRegistry()
    Counter("ser_track_worker_restarts", "Restarts", registry=own)
    assert "ser_track_worker_restarts_total 0.0" in merged({}, own).decode()
