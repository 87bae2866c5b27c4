"""The packet streams of everybody who sends Opus, for the thread that ticks."""

from collections.abc import Iterator

from ser_track.ingest.jitter_buffer import PacketCounts
from ser_track.ingest.packets import PacketStream
from ser_track.runtime.inbox import Arrival
from ser_track.types import FloatArray, StreamKey

Heard = Iterator[tuple[StreamKey, FloatArray, int]]


class PacketStreams:
    """One `PacketStream` for each key that packets came for, made with the first."""

    def __init__(self) -> None:
        self.counts = PacketCounts()
        """Over all streams, also those that have ended."""
        self._streams: dict[StreamKey, PacketStream] = {}
        self._busy: set[StreamKey] = set()
        """Streams that hold something: a silent one costs nothing."""

    def put(self, key: StreamKey, arrival: Arrival) -> None:
        """Take in a packet."""
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = PacketStream(self.counts)
        stream.put(*arrival)
        self._busy.add(key)

    def take(self, now: float) -> Heard:
        """Samples of all streams that are due at ``now`` (monotonic seconds), and the index of the first."""
        for key in tuple(self._busy):
            stream = self._streams[key]
            for samples, at in stream.take(now):
                yield key, samples, at
            if not stream.waiting:
                self._busy.discard(key)

    def flush(self, key: StreamKey) -> Heard:
        """What ``key`` still holds; it is forgotten then."""
        stream = self._streams.get(key)
        self.discard(key)
        if stream is not None:
            for samples, at in stream.flush():
                yield key, samples, at

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` with all that it holds."""
        self._streams.pop(key, None)
        self._busy.discard(key)
