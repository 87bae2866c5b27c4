"""The benchmarks read the metrics of one process, and of a front with workers."""

from prometheus_client import CollectorRegistry

from bench.scrape import Scrape, difference
from ser_track.live.metrics import Metrics
from ser_track.workers.merged_metrics import merged


def test_counters_are_found_by_either_name_and_missing_ones_are_none() -> None:
    metrics = Metrics()
    before = Scrape(metrics.text().decode())
    metrics.late_ticks.inc()
    metrics.tick_s.observe(0.05)
    metrics.queued.set(2)
    after = Scrape(metrics.text().decode())
    assert difference(before, after, "ser_track_late_ticks") == 1
    assert after.value("ser_track_classifier_queue") == 2
    assert difference(before, after, "ser_track_unheard_of") is None
    assert after.percentile_ms("ser_track_tick_seconds", 0.95) == 64
    assert before.percentile_ms("ser_track_tick_seconds", 0.95) is None
    assert set(after.by_label("ser_track_cpu_seconds", "stage")) >= {"decode", "detect", "classify", "event_loop"}


def test_values_of_workers_are_summed() -> None:
    workers = {number: Metrics() for number in (1, 2)}
    workers[1].audio_s.inc(3)
    workers[2].audio_s.inc(4)
    for each in workers.values():
        each.count_cpu({"decode": 0.5})
    texts = {number: each.text().decode() for number, each in workers.items()}
    scrape = Scrape(merged(texts, CollectorRegistry()).decode())
    assert scrape.value("ser_track_audio_seconds") == 7
    assert scrape.by_label("ser_track_cpu_seconds", "stage")["decode"] == 1.0
