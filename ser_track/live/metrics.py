"""What operators watch, in the Prometheus format."""

import time
from collections.abc import Callable, Mapping
from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.live.cpu_stages import STAGES, Stage
from ser_track.rtp.jitter_buffer import PacketCounts

_OF_PACKETS = (
    ("packets", "Opus packets received"),
    ("packets_duplicate", "Packets that came twice"),
    ("packets_late", "Packets that came after they had been given up"),
    ("packets_lost", "Packets given up"),
    ("packets_broken", "Packets that are no Opus"),
    ("packets_recovered", "Lost packets that the next one carried (forward error correction)"),
    ("concealed_seconds", "Lost audio made up by the decoder"),
    ("missing_seconds", "Lost audio that is left out: too much of it to make up"),
    ("silent_seconds", "Time in which senders say that nothing is there, or send nothing"),
    ("decoded_seconds", "Audio out of packets, heard or made up"),
)
"""Of each field of `PacketCounts`: name and meaning."""
_TICK_BUCKETS_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)

_CLOSE_S = (0.4, 0.5, *(0.51 + 0.01 * step for step in range(10)), 0.65, 0.7, 0.8, 1.0, 2.0, 5.0)


class Metrics:
    """One registry per server, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shown: list[Callable[[], None]] = []
        r = self.registry
        self.rooms = Gauge("ser_track_rooms", "Rooms with somebody in them", registry=r)
        self.meetings = Gauge("ser_track_meetings", "Meetings on other servers that the bot is in", registry=r)
        self.participants = Gauge("ser_track_participants", "People in all rooms", registry=r)
        self.analysed = Gauge("ser_track_analysed", "People who agreed to be analysed", registry=r)
        self.frames = Counter("ser_track_frames", "Audio frames that aiortc decoded: all codecs but Opus", registry=r)
        self._packets = {
            field.name: Gauge(f"ser_track_{name}", words, registry=r)
            for field, (name, words) in zip(fields(PacketCounts), _OF_PACKETS, strict=True)
        }
        self.audio_s = Counter("ser_track_audio_seconds", "Audio given to the engine", registry=r)
        self.dropped_s = Gauge("ser_track_dropped_audio_seconds", "Audio dropped: the engine was behind", registry=r)
        self.late_s = Gauge("ser_track_late_audio_seconds", "Audio dropped: it came after its time", registry=r)
        self.queued = Gauge("ser_track_classifier_queue", "Segments that wait for the classifier", registry=r)
        self.replaced = Gauge("ser_track_provisional_replaced", "Provisional results skipped for newer", registry=r)
        self.tick_s = Histogram("ser_track_tick_seconds", "Engine ticks", buckets=_TICK_BUCKETS_S, registry=r)
        self.close_s = Histogram(
            "ser_track_close_seconds",
            "From the arrival of a last voiced window to the close",
            buckets=_CLOSE_S,
            registry=r,
        )
        self.late_ticks = Counter("ser_track_late_ticks", "Ticks that took longer than their period", registry=r)
        self.load_step = Gauge("ser_track_load_step", "0: all is done; above: fewer provisional results", registry=r)
        self.tracks = Counter("ser_track_tracks", "Tracks, by who receives them", ["received_by"], registry=r)
        cpu_s = Gauge("ser_track_cpu_seconds", "CPU time by stage", ["stage"], registry=r)
        self._stage_cpu_s = {stage: cpu_s.labels(stage=stage) for stage in STAGES}
        self._event_loop_cpu_s = cpu_s.labels(stage="event_loop")
        self.events = Counter("ser_track_events", "Events by type", ["type"], registry=r)
        self.messages = Counter("ser_track_messages", "Data channel messages sent", registry=r)
        self.undelivered = Counter("ser_track_undelivered_events", "Events dropped for slow receivers", registry=r)

    def on_scrape(self, show: Callable[[], None]) -> None:
        """Call ``show`` before the text is made: what changes all the time is set only when somebody looks."""
        self._shown.append(show)

    def count_tick(self, took_s: float, late: bool, load_step: int) -> None:
        """One tick more."""
        self.tick_s.observe(took_s)
        self.late_ticks.inc(late)
        self.load_step.set(load_step)

    def count_engine(self, queued: int, replaced: int, late_samples: int) -> None:
        """Show what waits in the engine, and what it left out so far."""
        self.queued.set(queued)
        self.replaced.set(replaced)
        self.late_s.set(late_samples / SAMPLE_RATE_HZ)

    def count_cpu(self, by_stage: Mapping[Stage, float]) -> None:
        """Show CPU seconds so far: of the tick's stages, and of all else as the event loop's."""
        for stage, seconds in by_stage.items():
            self._stage_cpu_s[stage].set(seconds)
        self._event_loop_cpu_s.set(time.process_time() - sum(by_stage.values()))

    def count_audio(self, counts: PacketCounts, dropped_samples: int) -> None:
        """Show what became of the packets so far, and how much audio was dropped because the engine was behind."""
        self.dropped_s.set(dropped_samples / SAMPLE_RATE_HZ)
        for name, gauge in self._packets.items():
            n = getattr(counts, name)
            gauge.set(n / SAMPLE_RATE_HZ if name.endswith("samples") else n)

    def text(self) -> bytes:
        """The exposition text."""
        for show in self._shown:
            show()
        return generate_latest(self.registry)
