"""All audio on its way to the engine: from sockets, and from the queue that the event loop fills."""

from collections.abc import Callable, Collection, Container, Iterable
from typing import Final

from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.event_types import StreamKey
from ser_track.live.cpu_stages import CpuStages
from ser_track.live.media_sockets import MediaSockets, Sockets
from ser_track.live.packet_streams import PacketStreams
from ser_track.live.stream_queue import StreamQueue
from ser_track.live.turns import Turns
from ser_track.rtp import opus
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_packet import packet_length
from ser_track.rtp.packet_counts import PacketCounts

Keep = Callable[[Iterable[Arrival | Chunk]], None]
"""Receives packets or decoded audio as the engine gets them. It must not raise or block."""
_MIN_SAMPLES: Final = SAMPLE_RATE_HZ // 400
"""No packet lasts less than 2.5 ms. Padding and copies last nothing, but are counted as if they did, and so bounded."""

Heard = list[tuple[StreamKey, list[Chunk]]]


class Intake:
    """`put`, `keep`, `forget` and `held_s` may be called on any thread; the rest belongs to the tick thread."""

    def __init__(self, max_held_s: float, turns: Turns, stages: CpuStages) -> None:
        """At most ``max_held_s`` of each stream is queued. The oldest audio is dropped first, and counted."""
        self._inbox = StreamQueue(round(max_held_s * SAMPLE_RATE_HZ))
        self._sockets = MediaSockets(max_held_s, turns)
        self._packets = PacketStreams()
        self._stages = stages
        self._kept: dict[StreamKey, Keep] = {}

    @property
    def counts(self) -> PacketCounts:
        """Counters of received, lost and decoded packets."""
        return self._packets.counts

    @property
    def dropped_samples(self) -> int:
        """Samples that were dropped because they had waited too long; the stream has a gap there."""
        return self._inbox.dropped_samples + self._sockets.dropped_samples

    def put(self, key: StreamKey, item: Chunk | Arrival) -> float:
        """Queue samples or a packet until the next `take`; a stream has either samples or packets.

        Returns how much of this stream is queued, in seconds.
        """
        if isinstance(item, Chunk):
            lasts = len(item.samples)
        else:
            lasts = 0 if item.redundant else packet_length(item.payload) // opus.RTP_PER_SAMPLE
            lasts = max(lasts, _MIN_SAMPLES)
        return self._inbox.put(key, item, lasts) / SAMPLE_RATE_HZ

    def keep(self, key: StreamKey, keep: Keep) -> None:
        """Give ``keep`` all audio of ``key`` too, as the engine gets it, until the stream ends. For any thread."""
        self._kept[key] = keep

    def forget(self, key: StreamKey) -> None:
        """Drop what `put` has queued for ``key``."""
        self._inbox.discard(key)

    def attach(self, media: MediaSocket) -> None:
        """Read this socket too."""
        self._sockets.add(media)

    def detach(self, media: MediaSocket) -> None:
        """Stop reading this socket, and close it."""
        self._sockets.remove(media)

    def take(self, now: float, wanted: Container[StreamKey], speaking: Container[StreamKey] | None) -> Heard:
        """The audio of the streams in ``wanted`` that is due at ``now`` (monotonic seconds), but of silent people.

        What is queued, and what is in the sockets of the streams ``speaking``; in all sockets with ``None``.
        """
        sockets = self._sockets.everyone() if speaking is None else self._sockets.of(speaking)
        heard = Heard()
        with self._stages.stage("receive"):
            # What came through aiortc goes first: a stream's first packets do, before its socket is read here.
            # A stream may have been closed meanwhile: nobody receives events of its audio.
            for key, items in self._inbox.take().items():
                if key in wanted:
                    chunks = [item for item in items if isinstance(item, Chunk)]
                    self._keep(key, chunks)
                    heard.append((key, chunks))
                    self._take_packets(key, [item for item in items if isinstance(item, Arrival)])
        return heard + self._read(now, wanted, sockets)

    def take_silent(self, now: float, wanted: Container[StreamKey], speaking: Container[StreamKey]) -> Heard:
        """The audio of the streams whose turn it is, without those ``speaking``."""
        return self._read(now, wanted, self._sockets.in_turn(speaking))

    def _read(self, now: float, wanted: Container[StreamKey], sockets: Sockets) -> Heard:
        with self._stages.stage("receive"):
            for key, arrivals in self._sockets.read(now, sockets):
                if key in wanted:
                    self._take_packets(key, arrivals)
        with self._stages.stage("decode"):
            return self._packets.take(now)

    def held_s(self, key: StreamKey) -> float:
        """How much of the audio of ``key`` that `put` queued waits for the next `take`, in seconds. For any thread."""
        return self._inbox.held_samples(key) / SAMPLE_RATE_HZ

    def take_held(self, key: StreamKey) -> list[Chunk]:
        """The packets of ``key`` that were held back behind a gap; no more packets come for now."""
        return self._packets.take_held(key)

    def flush(self, key: StreamKey) -> list[Chunk]:
        """The remaining audio of ``key``; the stream's packets are then forgotten."""
        self._kept.pop(key, None)
        return self._packets.flush(key)

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` and everything that is held for it."""
        self._kept.pop(key, None)
        self._packets.discard(key)

    def arrived_s(self, key: StreamKey, at: int) -> float | None:
        """See `PacketStreams.arrived_s`."""
        return self._packets.arrived_s(key, at)

    def take_failed(self) -> dict[StreamKey, Exception]:
        """The streams whose packets failed since the last call; each goes on with its next packet."""
        return self._packets.take_failed()

    def _take_packets(self, key: StreamKey, arrivals: list[Arrival]) -> None:
        if arrivals:
            self._keep(key, arrivals)
            self._packets.put(key, arrivals)

    def _keep(self, key: StreamKey, items: Collection[Arrival | Chunk]) -> None:
        if items and self._kept and (keep := self._kept.get(key)) is not None:
            keep(items)

    def close(self) -> None:
        """Close every socket that is still read."""
        self._sockets.close()
