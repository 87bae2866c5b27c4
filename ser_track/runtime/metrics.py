"""What operators watch, in the Prometheus format."""

from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ser_track.ingest.jitter_buffer import PacketCounts
from ser_track.types import SAMPLE_RATE_HZ

_OF_PACKETS = (
    ("packets", "Opus packets received"),
    ("packets_duplicate", "Packets that came twice"),
    ("packets_late", "Packets that came after they had been given up"),
    ("packets_lost", "Packets given up"),
    ("packets_broken", "Packets that are no Opus"),
    ("packets_recovered", "Lost packets that the next one carried (forward error correction)"),
    ("concealed_seconds", "Lost audio made up by the decoder"),
    ("silent_seconds", "Time in which nothing was sent, or too much was lost"),
    ("decoded_seconds", "Audio out of packets, heard or made up"),
)
"""Of each field of `PacketCounts`: name and meaning."""
_TICK_BUCKETS_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)


class Metrics:
    """One registry per server, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.rooms = Gauge("ser_track_rooms", "Rooms with somebody in them", registry=r)
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
        self.late_ticks = Counter("ser_track_late_ticks", "Ticks that took longer than their period", registry=r)
        self.events = Counter("ser_track_events", "Events by type", ["type"], registry=r)
        self.messages = Counter("ser_track_messages", "Data channel messages sent", registry=r)
        self.undelivered = Counter("ser_track_undelivered_events", "Events dropped for slow receivers", registry=r)

    def count_packets(self, counts: PacketCounts) -> None:
        """Show what became of the packets so far."""
        for name, gauge in self._packets.items():
            n = getattr(counts, name)
            gauge.set(n / SAMPLE_RATE_HZ if name.endswith("samples") else n)

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)
