"""The rooms of this server, by name: joined by pages and programs, found again by those who are in them."""

from ser_track.config.schema import Config
from ser_track.errors import ForbiddenError, MeetingFullError, NotFoundError
from ser_track.meetings.adapters.rooms import ADAPTER
from ser_track.meetings.adapters.rooms.participant import Participant, Signal
from ser_track.meetings.adapters.rooms.room import Room, RoomTarget
from ser_track.meetings.names import check_name
from ser_track.meetings.session import Session
from ser_track.meetings.sessions import Sessions


class Rooms:
    """A view of the meetings that are rooms."""

    def __init__(self, sessions: Sessions, config: Config) -> None:
        self._sessions = sessions
        self._config = config

    def __len__(self) -> int:
        return sum(isinstance(session.meeting, Room) for session in self._sessions.present)

    def room(self, name: str) -> Room:
        """The room called ``name``.

        Raises:
            NotFoundError: nobody is in it.
        """
        session = self._sessions.hosted(RoomTarget(name).where)
        if session is None or not isinstance(session.meeting, Room):
            raise NotFoundError(f"there is no room '{name}'; join it first")
        return session.meeting

    def join(
        self, room_name: str, name: str, analysed: bool, signal: Signal | None = None, base_url: str | None = None
    ) -> tuple[Room, Participant]:
        """Add a person; the room begins with its first. ``base_url`` is where people reach its notice.

        Raises:
            BadRequestError: a name is empty, too long, or holds what is not text.
            MeetingFullError: the room, or the server, has as many as it is configured for.
        """
        check_name("room", room_name, self._config.rooms.max_name_length)
        check_name("name", name, self._config.rooms.max_name_length)
        if self._sessions.hosted(RoomTarget(room_name).where) is None and len(self) >= self._config.rooms.max_rooms:
            limit = self._config.rooms.max_rooms
            raise MeetingFullError(f"this server has its {limit} rooms in use; try again later")
        room = self._sessions.host(ADAPTER, RoomTarget(room_name), base_url).meeting
        assert isinstance(room, Room)
        return room, room.join(name, analysed, signal)

    def session_of(self, room: Room) -> Session:
        """The meeting that ``room`` is."""
        return next(session for session in self._sessions if session.meeting is room)

    def find(self, room_name: str, participant_id: str, secret: str) -> Participant:
        """Who ``secret`` belongs to.

        Raises:
            NotFoundError: no such room or participant.
            ForbiddenError: the secret is another.
        """
        participant = self.room(room_name).people.get(participant_id)
        if participant is None:
            raise NotFoundError(f"there is no participant '{participant_id}' in room '{room_name}'; join first")
        if not participant.owns(secret):
            raise ForbiddenError("the secret does not belong to this participant; use the one from the welcome message")
        return participant
