"""The sockets of all connected participants, read by the tick thread."""

import logging
import select
import time
from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.aiortc_internals.udp_batches import DatagramReader, available
from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus import RTP_PER_SAMPLE, packet_length

log = logging.getLogger(__name__)
_MAX_BATCHES: Final = 4
"""Per socket and tick: over two seconds of packets. A flooded socket does not delay the others."""
_FEW: Final = 4
_FRESH_S: Final = 0.4
"""A tick usually finds no more packets than this, none older than this: then their duration needs no check."""


class AudioHost(Protocol):
    """Reads the sockets of connections, and takes their audio."""

    def attach(self, media: MediaSocket) -> None:
        """Start to read the socket."""

    def detach(self, media: MediaSocket) -> None:
        """Stop reading the socket, and close it."""


class MediaSockets:
    """Reads all waiting packets of any number of sockets. Used by one thread."""

    def __init__(self, max_held_s: float) -> None:
        """Packets that waited longer than ``max_held_s`` are dropped."""
        self.dropped_samples = 0
        """Samples at 16 kHz that were dropped because they had waited too long."""
        self._max_held_s = max_held_s
        self._sockets: dict[int, MediaSocket] = {}
        if available():
            self._ready = select.epoll()
            self._reader = DatagramReader()

    def add(self, media: MediaSocket) -> None:
        """Start to read the socket."""
        self._sockets[media.fileno()] = media
        self._ready.register(media.fileno(), select.EPOLLIN)

    def remove(self, media: MediaSocket) -> None:
        """Stop reading the socket, and close it."""
        if self._sockets.pop(media.fileno(), None) is not None:
            self._ready.unregister(media.fileno())
        media.close()

    def read(self, now: float) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        """The packets of everyone who is analysed; ``now`` is monotonic seconds."""
        if not self._sockets:
            return
        offset_s = now - time.time()
        for fd, _ in self._ready.poll(0):
            if (media := self._sockets.get(fd)) is None:
                continue
            try:
                yield from self._read(media, fd, offset_s, now)
            except Exception:  # aiortc's own socket gets the packets from here on; nobody else is affected
                log.exception("a connection's socket cannot be read: aiortc receives, which costs more CPU time")
                self.remove(media)

    def close(self) -> None:
        """Close all sockets that are still open."""
        for media in tuple(self._sockets.values()):
            self.remove(media)
        if available():
            self._ready.close()

    def _read(
        self, media: MediaSocket, fd: int, offset_s: float, now: float
    ) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        for _ in range(_MAX_BATCHES):
            datagrams = self._reader.read(fd, offset_s, now)
            key, arrivals = media.key, media.take(datagrams, offset_s)
            if key is not None and arrivals:
                yield (
                    key,
                    arrivals
                    if len(arrivals) <= _FEW and now - arrivals[0].now < _FRESH_S
                    else self._held(arrivals, now),
                )
            if len(datagrams) < self._reader.batch:
                return

    def _held(self, arrivals: list[Arrival], now: float) -> list[Arrival]:
        """The latest packets that have not waited longer than ``max_held_s``, and last no longer than that together."""
        kept, left = deque[Arrival](), self._max_held_s * SAMPLE_RATE_HZ
        for number, arrival in enumerate(reversed(arrivals)):
            left -= _samples(arrival)
            if left < 0 or now - arrival.now > self._max_held_s:
                older = arrivals[: len(arrivals) - number]
                self.dropped_samples += sum(_samples(each) for each in older)
                break
            kept.appendleft(arrival)
        return list(kept)


def _samples(arrival: Arrival) -> int:
    """How long a packet lasts; a copy does not."""
    return 0 if arrival.redundant else packet_length(arrival.payload) // RTP_PER_SAMPLE
