"""The sockets of everybody who is connected, read by the thread that ticks."""

import logging
import select
import time
from collections.abc import Iterator
from typing import Final

from ser_track.ingest.aiortc_socket import MediaSocket
from ser_track.ingest.libopus import RTP_PER_SAMPLE, packet_length
from ser_track.ingest.rtp import Arrival
from ser_track.ingest.udp import DatagramReader, available
from ser_track.types import StreamKey

log = logging.getLogger(__name__)
_MOST_BATCHES: Final = 32
"""Per socket and tick: more than a socket holds. One that is flooded keeps nobody else waiting."""


class MediaSockets:
    """Reads all that waits in any number of sockets. Used by one thread."""

    def __init__(self, max_held_s: float) -> None:
        """What waited for longer than ``max_held_s`` is dropped."""
        self.dropped_samples = 0
        """Samples at 16 kHz that were dropped because they had waited for too long."""
        self._max_held_s = max_held_s
        self._sockets: dict[int, MediaSocket] = {}
        if available():
            self._ready = select.epoll()
            self._reader = DatagramReader()

    def add(self, media: MediaSocket) -> None:
        """Read it from now on."""
        self._sockets[media.fileno()] = media
        self._ready.register(media.fileno(), select.EPOLLIN)

    def remove(self, media: MediaSocket) -> None:
        """Read it no more, and close it."""
        if self._sockets.pop(media.fileno(), None) is not None:
            self._ready.unregister(media.fileno())
        media.close()

    def read(self, now: float) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        """The packets of everybody who is analysed; ``now`` is monotonic seconds."""
        if not self._sockets:
            return
        offset_s = now - time.time()
        for fd, _ in self._ready.poll(0):
            if (media := self._sockets.get(fd)) is None:
                continue
            try:
                yield from self._read(media, fd, offset_s, now)
            except Exception:  # aiortc's own socket gets what comes from here on; nobody else notices
                log.exception("a connection's socket cannot be read: aiortc receives, which costs more")
                self.remove(media)

    def close(self) -> None:
        """Close all that is still there."""
        for media in tuple(self._sockets.values()):
            self.remove(media)
        if available():
            self._ready.close()

    def _read(
        self, media: MediaSocket, fd: int, offset_s: float, now: float
    ) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        for _ in range(_MOST_BATCHES):
            datagrams = self._reader.read(fd, offset_s, now)
            key, arrivals = media.key, media.take(datagrams, offset_s)
            if key is not None and arrivals:
                yield key, self._in_time(arrivals, now) if now - arrivals[0].now > self._max_held_s else arrivals
            if len(datagrams) < self._reader.batch:
                return

    def _in_time(self, arrivals: list[Arrival], now: float) -> list[Arrival]:
        """Those that have not waited for too long."""
        late = [arrival for arrival in arrivals if now - arrival.now > self._max_held_s]
        self.dropped_samples += sum(packet_length(arrival.payload) // RTP_PER_SAMPLE for arrival in late)
        return arrivals[len(late) :]
