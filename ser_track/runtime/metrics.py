"""What operators watch, in the Prometheus format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_TICK_BUCKETS_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0)


class Metrics:
    """One registry per server, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.rooms = Gauge("ser_track_rooms", "Rooms with somebody in them", registry=r)
        self.participants = Gauge("ser_track_participants", "People in all rooms", registry=r)
        self.analysed = Gauge("ser_track_analysed", "People who agreed to be analysed", registry=r)
        self.frames = Counter("ser_track_frames", "Decoded audio frames read from tracks", registry=r)
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

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)
