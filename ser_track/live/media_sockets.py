"""The sockets of all connected participants, read by the tick thread."""

import logging
import time
from collections import deque
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ser_track.aiortc_internals.aiortc_side import hand_over
from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.aiortc_internals.udp_batches import DatagramReader, available
from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.event_types import StreamKey
from ser_track.live.turns import Turns
from ser_track.rtp.header import Arrival
from ser_track.rtp.opus import RTP_PER_SAMPLE
from ser_track.rtp.opus_packet import packet_length

log = logging.getLogger(__name__)
_MAX_BATCHES: Final = 4
"""Per socket and tick: over two seconds of packets. A flooded socket does not delay the others."""
_LONGEST_S: Final = 0.12
"""No packet is longer."""


class AudioHost(Protocol):
    """Reads the sockets of connections, and takes their audio."""

    def attach(self, media: MediaSocket) -> None:
        """Start to read the socket."""

    def detach(self, media: MediaSocket) -> None:
        """Stop reading the socket, and close it."""


@dataclass(slots=True)
class _Read:
    media: MediaSocket
    turn: int


Sockets = Sequence[tuple[int, MediaSocket]]


class MediaSockets:
    """Reads all waiting packets of any number of sockets. Used by one thread."""

    def __init__(self, max_held_s: float, turns: Turns) -> None:
        """Packets that waited longer than ``max_held_s`` are dropped; the sockets of silent people take ``turns``."""
        self.dropped_samples = 0
        """Samples at 16 kHz that were dropped because they had waited too long."""
        self._max_held_s = max_held_s
        self._few = int(max_held_s / _LONGEST_S)
        self._turns = turns
        self._sockets: dict[int, _Read] = {}
        if available():
            self._reader = DatagramReader()

    def add(self, media: MediaSocket) -> None:
        """Start to read the socket."""
        self._sockets[media.fileno()] = _Read(media, self._turns.join())

    def remove(self, media: MediaSocket) -> None:
        """Stop reading the socket, and close it."""
        if (read := self._sockets.pop(media.fileno(), None)) is not None:
            self._turns.leave(read.turn)
        media.close()

    def everyone(self) -> Sockets:
        """All sockets."""
        return [(fd, read.media) for fd, read in self._sockets.items()]

    def of(self, speaking: Container[StreamKey]) -> Sockets:
        """The sockets of the streams ``speaking``."""
        return [(fd, read.media) for fd, read in self._sockets.items() if read.media.is_of(speaking)]

    def in_turn(self, speaking: Container[StreamKey]) -> Sockets:
        """The sockets whose turn it is, without those of the streams ``speaking``."""
        turn = self._turns.now
        return [
            (fd, read.media)
            for fd, read in self._sockets.items()
            if read.turn == turn and not read.media.is_of(speaking)
        ]

    def read(self, now: float, due: Sockets) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        """The packets of everyone who is analysed, from the sockets ``due``; ``now`` is monotonic seconds."""
        offset_s = now - time.time()
        for fd, media in due:
            try:
                yield from self._read(media, fd, offset_s, now)
            except Exception:  # aiortc's own socket gets the packets from here on; nobody else is affected
                log.exception("a connection's socket cannot be read: aiortc receives, which costs more CPU time")
                self.remove(media)
        hand_over(media.rest for _, media in due)

    def close(self) -> None:
        """Close all sockets that are still open."""
        for read in tuple(self._sockets.values()):
            self.remove(read.media)

    def _read(
        self, media: MediaSocket, fd: int, offset_s: float, now: float
    ) -> Iterator[tuple[StreamKey, list[Arrival]]]:
        for _ in range(_MAX_BATCHES):
            datagrams = self._reader.read(fd, offset_s, now)
            for key, arrivals in media.take_by_stream(datagrams, offset_s):
                yield key, arrivals if self._surely_held(arrivals, now) else self._held(arrivals, now)
            if len(datagrams) < self._reader.batch:
                return

    def _surely_held(self, arrivals: list[Arrival], now: float) -> bool:
        """Whether few enough packets wait for the longest that Opus has, and not for long."""
        return len(arrivals) <= self._few and now - arrivals[0].now < self._max_held_s

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
