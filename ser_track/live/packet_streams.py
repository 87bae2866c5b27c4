"""The packet streams of everyone who sends Opus, for the tick thread."""

from collections.abc import Sequence

from ser_track.chunk import Chunk
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_counts import PacketCounts


class PacketStreams:
    """One `OpusStream` for each key that has received packets, created with the first packet."""

    def __init__(self) -> None:
        self.counts = PacketCounts()
        """Over all streams, including those that have ended."""
        self._streams: dict[StreamKey, OpusStream] = {}
        self._failed: dict[StreamKey, Exception] = {}
        self._busy: set[StreamKey] = set()
        """Streams that hold packets: a silent stream costs nothing."""

    def put(self, key: StreamKey, arrivals: Sequence[Arrival]) -> None:
        """Add packets of one stream."""
        try:
            stream = self._streams.get(key)
            if stream is None:
                stream = self._streams[key] = OpusStream(self.counts)
            stream.put_all(arrivals)
        except Exception as error:
            self._fail(key, error)
            return
        self._busy.add(key)

    def take(self, now: float) -> list[tuple[StreamKey, list[Chunk]]]:
        """The audio of all streams that is due at ``now`` (monotonic seconds)."""
        busy, self._busy = self._busy, set()
        heard = []
        for key in busy:
            stream = self._streams[key]
            try:
                heard.append((key, stream.take(now)))
            except Exception as error:  # a fault in one sender's packets must not stop the others
                self._fail(key, error)
            else:
                if stream.waiting:
                    self._busy.add(key)
        return heard

    def take_held(self, key: StreamKey) -> list[Chunk]:
        """The audio of ``key`` held back behind a gap. The missing packets count as lost; the stream goes on."""
        if (stream := self._streams.get(key)) is None:
            return []
        try:
            return stream.flush()
        except Exception as error:
            self._fail(key, error)
            return []

    def flush(self, key: StreamKey) -> list[Chunk]:
        """The remaining audio of ``key``; the stream is then forgotten."""
        if (stream := self._streams.pop(key, None)) is None:
            return []
        self._busy.discard(key)
        try:
            return stream.flush()
        except Exception as error:
            self._failed[key] = error
            return []

    def arrived_s(self, key: StreamKey, at: int) -> float | None:
        """When sample ``at`` arrived, or would have on a network without delay (monotonic seconds), if known."""
        stream = self._streams.get(key)
        return None if stream is None else stream.arrived_s(at)

    def take_failed(self) -> dict[StreamKey, Exception]:
        """The streams that failed since the last call: each lost what it held, and goes on with its next packet."""
        failed, self._failed = self._failed, {}
        return failed

    def _fail(self, key: StreamKey, error: Exception) -> None:
        self._failed[key] = error
        self._busy.discard(key)
        if (failed := self._streams.pop(key, None)) is not None:
            # In the time of the one that failed: from 0, its audio would be the past for as long as the stream lasted.
            self._streams[key] = OpusStream(self.counts, failed)

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` and everything that is held for it."""
        self._streams.pop(key, None)
        self._busy.discard(key)
