"""The metrics for operators, in the Prometheus format."""

import time
from collections.abc import Callable, Mapping
from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.live.cpu_stages import STAGES, Stage
from ser_track.rtp.packet_counts import PacketCounts

_OF_PACKETS = (
    ("packets", "Opus packets received"),
    ("packets_duplicate", "Duplicate packets"),
    ("packets_late", "Packets that came after they were counted as lost"),
    ("packets_lost", "Packets that did not arrive in time"),
    ("packets_broken", "Packets that are not valid Opus"),
    ("packets_recovered", "Lost packets that a later one carried (forward error correction, RED)"),
    ("concealed_seconds", "Lost audio that the decoder concealed"),
    ("missing_seconds", "Lost audio that is left out: too long to conceal, or where nothing is decoded"),
    ("silent_seconds", "Time in which senders signal silence, or send nothing"),
    ("undecoded_seconds", "Audio that was not decoded: too quiet for a voice by the level that the sender gives"),
    ("decoded_seconds", "Audio from packets, decoded or concealed"),
    ("wrong_levels", "How often a sender's levels were found to be wrong, and were no longer trusted"),
)
"""Name and meaning of each field of `PacketCounts`."""
_TICK_BUCKETS_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)

_WAIT_BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 2.0, 5.0)
_CLOSE_S = (0.4, 0.5, *(0.51 + 0.01 * step for step in range(10)), 0.65, 0.7, 0.8, 1.0, 2.0, 5.0)


class Metrics:
    """One registry per server, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shown: list[Callable[[], None]] = []
        r = self.registry
        self.rooms = Gauge("ser_track_rooms", "Rooms with somebody in them", registry=r)
        self.meetings = Gauge("ser_track_meetings", "Meetings on other servers that the bot is in", registry=r)
        self.participants = Gauge("ser_track_participants", "People in all rooms", registry=r)
        self.analysed = Gauge("ser_track_analysed", "People who agreed to be analysed", registry=r)
        self.frames = Counter("ser_track_frames", "Audio frames that aiortc decoded: all except Opus", registry=r)
        self._packets = {
            field.name: Gauge(f"ser_track_{name}", words, registry=r)
            for field, (name, words) in zip(fields(PacketCounts), _OF_PACKETS, strict=True)
        }
        self.audio_s = Counter("ser_track_audio_seconds", "Audio given to the engine", registry=r)
        self.dropped_s = Gauge("ser_track_dropped_audio_seconds", "Audio dropped: the engine was behind", registry=r)
        self.late_s = Gauge("ser_track_late_audio_seconds", "Audio dropped: it came after its time", registry=r)
        self.queued = Gauge("ser_track_classifier_queue", "Segments waiting for the classifier", registry=r)
        self.due = Gauge("ser_track_provisional_due", "Provisional results that became due", registry=r)
        self.made = Gauge("ser_track_provisional_made", "Provisional results that were made", registry=r)
        self.replaced = Gauge("ser_track_provisional_replaced", "Provisional results replaced by newer", registry=r)
        self.shed = Gauge("ser_track_provisional_shed", "Provisional results left out because of the load", registry=r)
        wait_s = Histogram(
            "ser_track_classifier_wait_seconds",
            "How long segments waited for the classifier",
            ["result"],
            buckets=_WAIT_BUCKETS_S,
            registry=r,
        )
        self._wait_s = {final: wait_s.labels(result="final" if final else "provisional") for final in (True, False)}
        self.tick_s = Histogram("ser_track_tick_seconds", "Engine ticks", buckets=_TICK_BUCKETS_S, registry=r)
        self.close_s = Histogram(
            "ser_track_close_seconds",
            "From the arrival of the last voiced window to the end of the segment",
            buckets=_CLOSE_S,
            registry=r,
        )
        self.late_ticks = Counter("ser_track_late_ticks", "Ticks that took longer than their period", registry=r)
        self.load_step = Gauge("ser_track_load_step", "0: normal; above: fewer provisional results", registry=r)
        self.tracks = Counter("ser_track_tracks", "Tracks, by receiver", ["received_by"], registry=r)
        cpu_s = Gauge("ser_track_cpu_seconds", "CPU time by stage", ["stage"], registry=r)
        self._stage_cpu_s = {stage: cpu_s.labels(stage=stage) for stage in STAGES}
        self._event_loop_cpu_s = cpu_s.labels(stage="event_loop")
        self.events = Counter("ser_track_events", "Events by type", ["type"], registry=r)
        self.messages = Counter("ser_track_messages", "Data channel messages sent", registry=r)
        self.undelivered = Counter("ser_track_undelivered_events", "Events dropped for slow readers", registry=r)

    def on_scrape(self, show: Callable[[], None]) -> None:
        """Call ``show`` before the text is made: values that change all the time are set only when they are read."""
        self._shown.append(show)

    def count_tick(self, took_s: float, late: bool) -> None:
        """Count one tick."""
        self.tick_s.observe(took_s)
        self.late_ticks.inc(late)

    def count_wait(self, waited_s: float, final: bool) -> None:
        """Count a segment that the classifier takes after it has waited."""
        self._wait_s[final].observe(waited_s)

    def count_provisional(self, due: int, made: int, replaced: int, shed: int) -> None:
        """Set what became of the provisional results so far; those that are not among them wait."""
        self.due.set(due)
        self.made.set(made)
        self.replaced.set(replaced)
        self.shed.set(shed)

    def count_cpu(self, by_stage: Mapping[Stage, float]) -> None:
        """Set CPU seconds so far: of the stages, and everything else as the event loop's."""
        for stage, seconds in by_stage.items():
            self._stage_cpu_s[stage].set(seconds)
        self._event_loop_cpu_s.set(time.process_time() - sum(by_stage.values()))

    def count_audio(self, counts: PacketCounts, dropped_samples: int) -> None:
        """Set the packet totals so far, and how much audio was dropped because the engine was behind."""
        self.dropped_s.set(dropped_samples / SAMPLE_RATE_HZ)
        for name, gauge in self._packets.items():
            n = getattr(counts, name)
            gauge.set(n / SAMPLE_RATE_HZ if name.endswith("samples") else n)

    def text(self) -> bytes:
        """The metrics in the Prometheus text format."""
        for show in self._shown:
            show()
        return generate_latest(self.registry)
