"""Reads the socket of a connection that carries the tracks of many people: see `TrackRoutes`.

What a sender says about its tracks comes over the same socket, on the data channel, in datagrams (DTLS) that only
aiortc can read. So packets that arrived behind such a datagram wait until the event loop has dealt with it: only then
it is certain to whom they belong. Without this, up to a tick of the next person's voice would go to the one before.
"""

from collections import deque
from collections.abc import Container, Iterable, Sequence
from functools import partial
from typing import Any, Final

from ser_track.aiortc_internals.socket import MakeSocket, MediaSocket
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, read_mid, read_packet
from ser_track.rtp.red import unpack
from ser_track.rtp.track_routes import MAX_SOURCES, TrackRoutes

_DTLS: Final = range(20, 64)  # RFC 7983, 7
_STEPS: Final = 16
"""Rounds of the event loop in which aiortc gets a datagram through DTLS and SCTP to a message; it takes three."""
_MAX_HELD: Final = 4096
_Heard = tuple[Arrival, str | None]
"""A packet, and the MID in its header."""


def shared(routes: TrackRoutes, mid_id: int | None) -> MakeSocket:
    """Make sockets with these ``routes``; ``mid_id`` is the id of the MID extension, if it was negotiated."""
    return partial(SharedMediaSocket, routes, mid_id)


class SharedMediaSocket(MediaSocket):
    """One connection of many participants, read by the tick thread."""

    max_sources = MAX_SOURCES

    def __init__(self, routes: TrackRoutes, mid_id: int | None, *parts: Any) -> None:
        """``parts`` are those of a `MediaSocket`."""
        super().__init__(*parts)
        self._routes = routes
        self._mid_id = mid_id
        self._waiting: deque[_Waiting] = deque()

    def is_of(self, streams: Container[StreamKey]) -> bool:
        """See `MediaSocket`. If anything waits, it is due."""
        return bool(self._waiting) or self._routes.is_of(streams)

    def take_by_stream(
        self, datagrams: Sequence[tuple[bytes, float]], clock_offset_s: float
    ) -> Iterable[tuple[StreamKey, list[Arrival]]]:
        """See `MediaSocket`."""
        certain = list[_Heard]()
        while self._waiting and self._waiting[0].certain:
            certain += self._waiting.popleft().heard
        cut = next((at for at, (datagram, _) in enumerate(datagrams) if datagram and datagram[0] in _DTLS), None)
        heard = self._heard(datagrams[:cut], clock_offset_s)
        if self._waiting:
            self._waiting[-1].add(heard)
        else:
            certain += heard
        if cut is not None:
            self._waiting.append(_Waiting(self._heard(datagrams[cut:], clock_offset_s)))
            self._rest.call_after(partial(self._waiting[-1].count_down, self._rest.loop, _STEPS))
        return self._by_stream(certain)

    def _heard(self, datagrams: Sequence[tuple[bytes, float]], clock_offset_s: float) -> list[_Heard]:
        runs, rest = self._sorted(datagrams)
        if rest:
            self._rest.set_aside(rest)
        heard, decrypt, mid = list[_Heard](), self._session.decrypt, None
        for source, packets in runs:
            arrivals = list[Arrival]()
            with self._session.lock:
                for header, datagram, now in packets:
                    if (packet := decrypt(datagram)) is None:
                        continue
                    arrivals.append(read_packet(header, packet, self._level_id, now))
                    mid = None if self._mid_id is None else read_mid(packet, self._mid_id)
                    inside = source.opus_inside
                    each = [arrivals[-1]] if inside is None else unpack(arrivals[-1], inside)
                    heard += [(arrival, mid) for arrival in each]
            source.counted.count_all(arrivals, clock_offset_s)
            self.packets += len(arrivals)
        return heard

    def _by_stream(self, heard: Iterable[_Heard]) -> Iterable[tuple[StreamKey, list[Arrival]]]:
        streams = dict[StreamKey, list[Arrival]]()
        for arrival, mid in heard:
            self._routes.learn(arrival.ssrc, mid)
            if (key := self._routes.route(arrival)) is not None:
                streams.setdefault(key, []).append(arrival)
        return streams.items()


class _Waiting:
    """Packets that arrived behind a datagram that may say to whom they belong."""

    def __init__(self, heard: list[_Heard]) -> None:
        self.heard = heard
        self.certain = False
        """Whether the event loop has dealt with that datagram."""

    def add(self, heard: list[_Heard]) -> None:
        """Later packets wait too: they must stay in order. If the event loop hangs, the oldest are dropped."""
        self.heard += heard
        del self.heard[:-_MAX_HELD]

    def count_down(self, loop: Any, steps: int) -> None:
        """Let the event loop go round ``steps`` times before it is `certain`."""
        if steps:
            loop.call_soon(self.count_down, loop, steps - 1)
        else:
            self.certain = True
