"""Which person each packet belongs to, on a connection that carries many tracks (RFC 8843, 9.2).

A track is a section of the session description, named by its MID. Packets name it in their header, at least the first
ones of a source; the description may name it too (``a=ssrc``). An SFU gives the track of somebody who left to the next
one, with another SSRC or with the same. So a person has a *seat* on a track, from when the sender says that they are
there. A packet belongs to the seat only if

- it arrived after the seat was taken, and its source is that of the seat: the first one that is heard from then on;
- no other source has appeared on the track since. Such a source may be another person, whom the sender has not named
  yet: nothing is attributed to anybody until it does.

Other packets belong to nobody. There is no clock here: times come with the packets.
"""

import threading
from collections.abc import Callable, Collection, Container, Mapping
from typing import Final

from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival

SETTLING_S: Final = 0.2
"""After a switch without an SSRC, packets of the source before are ignored for this time: they may be late ones."""
_COPIES_S: Final = 0.5
"""A copy in RED is of earlier audio, at most 0.34 s: at first it may be the voice of the person before."""
MAX_SOURCES: Final = 1024
"""The most SSRCs of one connection: each is remembered. A busy SFU may use a new one at each switch."""


class Seat:
    """One person on one track. All times are monotonic seconds."""

    __slots__ = ("before", "key", "overtaken", "packets", "since", "source", "taken_at")

    def __init__(self, taken_at: float, source: int | None, before: int | None) -> None:
        self.taken_at = taken_at
        self.source = source
        """Their SSRC; ``None`` until they are heard."""
        self.before = before
        """SSRC of the person before, if it may go on for this one."""
        self.key: StreamKey | None = None
        """The stream that their audio belongs to; ``None``: it is not analysed."""
        self.since = taken_at
        """Earlier audio does not belong to `key`."""
        self.overtaken = False
        """Whether a source that nobody has named has appeared on the track."""
        self.packets = 0
        """Packets that were attributed to them."""


class _Track:
    __slots__ = ("last", "newest", "seat", "sources")

    def __init__(self) -> None:
        self.seat: Seat | None = None
        self.sources: set[int] = set()
        """Every SSRC that was heard here."""
        self.last: int | None = None
        """SSRC of the last person who left."""
        self.newest: int | None = None


Stranger = Callable[[int, str | None, Seat | None], None]
"""Called on any thread, once for each source and seat, with an SSRC that belongs to nobody, its MID, and the seat."""


class TrackRoutes:
    """The routes of one connection, for any thread."""

    def __init__(self, stranger: Stranger) -> None:
        self.unassigned = 0
        """Packets that belonged to nobody."""
        self._stranger = stranger
        self._tracks: dict[str, _Track] = {}
        self._mids: dict[int, str] = {}
        """The track of each source."""
        self._told: set[int] = set()
        self._lock = threading.Lock()

    def describe(self, tracks: Mapping[str, Collection[int]]) -> None:
        """Set the tracks that there are, by MID, with the SSRCs that their description names."""
        with self._lock:
            self._tracks = {mid: self._tracks.get(mid) or _Track() for mid in tracks}
            self._mids = {ssrc: mid for ssrc, mid in self._mids.items() if mid in self._tracks}
            self._mids |= {ssrc: mid for mid, ssrcs in tracks.items() for ssrc in ssrcs}

    def take_seat(self, mid: str, now: float, source: int | None = None) -> Seat:
        """Give the track to a person from ``now`` on; the person before has left it.

        ``source`` is their SSRC, if it is known. Raises KeyError: the track does not exist.
        """
        with self._lock:
            track = self._tracks[mid]
            earlier = track.last if track.seat is None else track.seat.source
            if source is None and earlier is not None and track.newest != earlier:
                source = track.newest  # it appeared before its owner was named
            elif source is not None:
                self._mids[source] = mid
            track.seat = Seat(now, source, earlier if source is None else None)
            if source is not None:
                track.sources.add(source)
                track.newest = source
            self._told -= track.sources
            return track.seat

    def leave_seat(self, seat: Seat) -> None:
        """The person has left the track."""
        with self._lock:
            for track in self._tracks.values():
                if track.seat is seat:
                    track.seat, track.last = None, seat.source
            seat.key = None

    def is_of(self, streams: Container[StreamKey]) -> bool:
        """Whether anybody has one of these ``streams``."""
        with self._lock:
            return any(track.seat is not None and track.seat.key in streams for track in self._tracks.values())

    def learn(self, ssrc: int, mid: str | None) -> None:
        """A packet of this source names the track ``mid``."""
        if mid is not None and self._mids.get(ssrc) != mid:
            with self._lock:
                if mid in self._tracks and len(self._mids) < MAX_SOURCES:
                    self._mids[ssrc] = mid

    def route(self, arrival: Arrival) -> StreamKey | None:
        """The stream that a packet belongs to, if any. Packets must come in their order of arrival."""
        with self._lock:
            mid = self._mids.get(arrival.ssrc)
            track = None if mid is None else self._tracks.get(mid)
            seat = None if track is None else self._seat_of(track, arrival)
            if seat is not None and seat.key is not None and arrival.now >= seat.since:
                if arrival.redundant and arrival.now < seat.since + _COPIES_S:
                    return None
                seat.packets += 1
                return seat.key
            if seat is None:
                self.unassigned += 1
                occupant = None if track is None else track.seat
                if occupant is None or (occupant.overtaken and arrival.ssrc != occupant.source):
                    self._tell(arrival.ssrc, mid, occupant)
            return None

    def _seat_of(self, track: _Track, arrival: Arrival) -> Seat | None:
        ssrc, seat = arrival.ssrc, track.seat
        is_new = ssrc not in track.sources
        if is_new:
            track.sources.add(ssrc)
            track.newest = ssrc
        if seat is None or arrival.now < seat.taken_at:
            return None
        if seat.source is None and (is_new or ssrc != seat.before or arrival.now >= seat.taken_at + SETTLING_S):
            seat.source = ssrc
        elif is_new:
            seat.overtaken = True
        return seat if ssrc == seat.source and not seat.overtaken else None

    def _tell(self, ssrc: int, mid: str | None, seat: Seat | None) -> None:
        if ssrc not in self._told and len(self._told) < MAX_SOURCES:
            self._told.add(ssrc)
            self._stranger(ssrc, mid, seat)
