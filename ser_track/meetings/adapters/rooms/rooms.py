"""The rooms of this server, by name: pages and programs join them, and find them again later."""

import asyncio
import time
from typing import Final

from ser_track.config.schema import Config
from ser_track.errors import ForbiddenError, MeetingError, MeetingFullError, NotFoundError
from ser_track.meetings.adapters.rooms import ADAPTER
from ser_track.meetings.adapters.rooms.participant import Participant, Signal
from ser_track.meetings.adapters.rooms.room import Room, RoomTarget
from ser_track.meetings.names import check_name, check_person
from ser_track.meetings.session import Session
from ser_track.meetings.sessions import Sessions

_PATIENCE_S: Final = 10.0
_AGAIN_S: Final = 0.1


class CrowdedError(MeetingError):
    """Too many people from one address, or in one room, have joined and are not connected yet."""

    status = 429
    code = "crowded"


class Rooms:
    """A view of the meetings that are rooms."""

    def __init__(self, sessions: Sessions, config: Config) -> None:
        self._sessions = sessions
        self.config = config

    def __len__(self) -> int:
        return sum(isinstance(session.meeting, Room) for session in self._sessions.present)

    def room(self, name: str) -> Room:
        """The room called ``name``.

        Raises:
            NotFoundError: the room has no people.
        """
        session = self._sessions.hosted(RoomTarget(name).where)
        if session is None or not isinstance(session.meeting, Room):
            raise NotFoundError(f"there is no room '{name}'; join it first")
        return session.meeting

    def join(
        self,
        room_name: str,
        name: str,
        analysed: bool,
        signal: Signal | None = None,
        base_url: str | None = None,
        address: str = "",
    ) -> tuple[Room, Participant]:
        """Add a person; the first one creates the room. ``base_url`` is where people reach the notice of the room.

        ``address`` is where they come from: see `admit`.

        Raises:
            BadRequestError: see `check_names`.
            MeetingFullError: the room, or the server, has reached its configured limit.
        """
        self.check_names(room_name, name)
        if self._sessions.hosted(RoomTarget(room_name).where) is None and len(self) >= self.config.rooms.max_rooms:
            limit = self.config.rooms.max_rooms
            raise MeetingFullError(f"all {limit} rooms of this server are in use; try again later")
        room = self._sessions.host(ADAPTER, RoomTarget(room_name), base_url).meeting
        assert isinstance(room, Room)
        participant = room.join(name, analysed, signal)
        participant.address = address
        return room, participant

    async def admit(self, room_name: str, address: str, *, with_page: bool) -> None:
        """Return once one more person from ``address`` may join; call `join` without waiting in between.

        People who join and never connect would take the places of others: their number is limited for each address,
        and that of programs also in each room. In an existing room it is worth waiting: others connect in a moment.

        Raises:
            CrowdedError: there are too many.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        while (reason := self._crowd(room_name, address, with_page)) is not None:
            if self._sessions.hosted(RoomTarget(room_name).where) is None or time.monotonic() > give_up_at:
                raise CrowdedError(f"{reason}; try again when they are, or have left")
            await asyncio.sleep(_AGAIN_S)

    def _crowd(self, room_name: str, address: str, with_page: bool) -> str | None:
        """Why one more person must wait."""
        rooms = [session.meeting for session in self._sessions.present if isinstance(session.meeting, Room)]
        waiting = [(room, one) for room in rooms for one in room.people.values() if not one.was_connected]
        if (near := sum(one.address == address for _, one in waiting)) >= self.config.rooms.max_unconnected:
            return f"{near} people from your address have joined rooms, and are not connected yet"
        programs = sum(room.name == room_name and one.signal is None for room, one in waiting)
        if not with_page and programs >= (self.config.rooms.max_participants + 1) // 2:
            return f"{programs} programs have joined room '{room_name}', and are not connected yet"
        return None

    def check_names(self, room_name: str, name: str) -> None:
        """Return if somebody may join with these names.

        Raises:
            BadRequestError: see `check_name` and `check_person`.
        """
        check_name("room", room_name, self.config.rooms.max_name_length)
        check_person(name, self.config.rooms.max_name_length, self.config.meetings.display_name)

    def session_of(self, room: Room) -> Session:
        """The meeting of ``room``."""
        return next(session for session in self._sessions if session.meeting is room)

    def find(self, room_name: str, participant_id: str, secret: str) -> Participant:
        """The participant that ``secret`` belongs to.

        Raises:
            NotFoundError: the room or participant does not exist.
            ForbiddenError: the secret is wrong.
        """
        participant = self.room(room_name).people.get(participant_id)
        if participant is None:
            raise NotFoundError(f"there is no participant '{participant_id}' in room '{room_name}'; join first")
        if not participant.owns(secret):
            raise ForbiddenError("the secret does not belong to this participant; use the one from the welcome message")
        return participant
