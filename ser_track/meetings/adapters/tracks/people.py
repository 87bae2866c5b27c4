"""The people whom a sender names: who is on which track, from when on."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ser_track.errors import BadRequestError, MeetingFullError, NotFoundError
from ser_track.event_types import StreamKey
from ser_track.meetings.adapters.tracks.messages import Announcement
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.meeting import Host
from ser_track.rtp.header import Arrival
from ser_track.rtp.track_routes import Seat, TrackRoutes


class SeatAudio:
    """The audio of one seat, as a `MediaConnection`: what was said there before it was taken never gets into it."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._before = 0

    def hear_as(self, key: StreamKey | None) -> None:
        """See `MediaConnection`."""
        self._seat.key = None
        self._seat.since = time.monotonic()
        self._seat.key = key

    def took_packets(self) -> bool:
        """See `MediaConnection`."""
        before, self._before = self._before, self._seat.packets
        return self._before > before


@dataclass(slots=True, eq=False)
class Person:
    """Somebody whom the sender has named."""

    id: str
    """As the sender calls them."""
    name: str
    """As the sender gave it."""
    mid: str
    attendee: Attendee
    seat: Seat


class People:
    """Everybody on the tracks of one connection."""

    def __init__(self, host: Host, routes: TrackRoutes) -> None:
        self._host = host
        self._routes = routes
        self._people: dict[str, Person] = {}
        self._attendees: dict[str, Attendee] = {}
        """By our id, until their last results have been sent."""
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, foreign: str) -> Person:
        """The person with the sender's id ``foreign``. Raises NotFoundError."""
        if (person := self._people.get(foreign)) is None:
            raise NotFoundError(f"nobody with the id '{foreign[:40]}' is on a track; name them first")
        return person

    def on(self, mid: str) -> Person | None:
        """Who is on this track."""
        return next((person for person in self._people.values() if person.mid == mid), None)

    def with_seat(self, seat: Seat) -> Person | None:
        """Who has this seat."""
        return next((person for person in self._people.values() if person.seat is seat), None)

    def announce(self, told: Announcement) -> Person:
        """Put a person on a track from this moment on. Anyone else who was there has left.

        Raises:
            BadRequestError: the track does not exist.
            MeetingFullError: the limit of people is reached; then nobody is on the track.
        """
        known = self._people.get(told.id)
        if known is not None and known.name != told.name:  # the same id does not prove that it is the same person
            self.remove(known, "somebody else has their id")
            known = None
        if known is not None and known.mid == told.mid and self._is_same(known.seat, told.ssrc):
            return known
        try:
            seat = self._routes.take_seat(told.mid, time.monotonic(), told.ssrc)
        except KeyError:
            raise BadRequestError(
                f"the offer has no audio section with the mid '{told.mid[:40]}' that sends; offer it first"
            ) from None
        if (before := self.on(told.mid)) is not None and before is not known:
            self.remove(before, "their track was given to somebody else")
        return self._newcomer(told, seat) if known is None else self._moved(known, told, seat)

    def rename(self, person: Person, name: str) -> None:
        """They have another name."""
        person.name = name
        self._host.renamed(person.id, name)

    def remove(self, person: Person, reason: str) -> None:
        """They have left; no packet that arrives from now on is theirs."""
        self._routes.leave_seat(person.seat)
        self._people.pop(person.id, None)
        self._host.left(person.id, reason)

    def remove_all(self, reason: str, but_on: frozenset[str] = frozenset()) -> None:
        """Remove everyone who is not on one of these tracks."""
        for person in tuple(self._people.values()):
            if person.mid not in but_on:
                self.remove(person, reason)

    def pause(self, person: Person) -> None:
        """It is no longer certain who is speaking: their stream ends here."""
        self._spawn(person.attendee.end_sending())

    def packet(self, arrival: Arrival) -> None:
        """A packet that came through aiortc."""
        if (key := self._routes.route(arrival)) is not None and (
            one := self._attendees.get(key.participant)
        ) is not None:
            one.arrived(arrival)

    def forget(self, participant: str) -> None:
        """Their last results have been sent."""
        self._attendees.pop(participant, None)

    async def close(self) -> None:
        """Return once no task is left."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _is_same(self, seat: Seat, ssrc: int | None) -> bool:
        return not seat.overtaken and ssrc in (None, seat.source)

    def _newcomer(self, told: Announcement, seat: Seat) -> Person:
        if (attendee := self._host.joined(told.id, told.name)) is None:
            self._routes.leave_seat(seat)
            raise MeetingFullError("the meeting is full (meetings.max_participants); nobody is analysed on this track")
        person = self._people[told.id] = Person(told.id, told.name, told.mid, attendee, seat)
        self._attendees[attendee.id] = attendee
        attendee.begin_sending(SeatAudio(seat))
        return person

    def _moved(self, person: Person, told: Announcement, seat: Seat) -> Person:
        """They go on with another source, or on another track: as a new stream."""
        if person.mid != told.mid:
            self._routes.leave_seat(person.seat)
        person.seat.key = None
        person.mid, person.seat = told.mid, seat
        self._spawn(self._begin_again(person, seat))
        return person

    async def _begin_again(self, person: Person, seat: Seat) -> None:
        await person.attendee.end_sending()
        if person.seat is seat and person.id in self._people:
            person.attendee.begin_sending(SeatAudio(seat))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
