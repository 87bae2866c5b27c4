"""The meeting of our own: rooms where browsers meet, with the analysis bot as one more participant."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from ser_track.config import Config
from ser_track.errors import BadRequestError, ForbiddenError, MeetingFullError, NotFoundError
from ser_track.meetings.participant import Participant, Signal
from ser_track.runtime.live_engine import LiveEngine
from ser_track.runtime.memory import release_memory
from ser_track.runtime.metrics import Metrics
from ser_track.sinks.encode import encode
from ser_track.types import EngineEvent, Event, Joined, Left, StreamKey

log = logging.getLogger(__name__)
_CHECK_S = 0.5
_RELEASE_S = 2.0
"""After somebody left: others often leave with them, and are released in one go."""


class Room:
    """People who hear each other, and see each other's events. Nothing of it is stored."""

    def __init__(self, name: str, metrics: Metrics, forget: Callable[[Participant, str], None]) -> None:
        self.name = name
        self.people: dict[str, Participant] = {}
        self._metrics = metrics
        self._forget = forget

    def publish(self, event: Event) -> None:
        """Give ``event`` to everyone's data channel."""
        line = encode(event)
        self._metrics.events.labels(type=line.type).inc()
        for participant in self.people.values():
            participant.put(line)

    def expect_final(self) -> None:
        """A final result may be due soon: what can wait must not take its place."""
        for participant in self.people.values():
            participant.expect_final()

    def signal(self, message: dict[str, Any], but: Participant | None = None) -> None:
        """Give ``message`` to every page except that of ``but``."""
        for participant in self.people.values():
            if participant is not but and participant.signal is not None:
                participant.signal(message)

    def present(self) -> list[Joined]:
        """Who is there."""
        return [participant.joined for participant in self.people.values()]

    def consent_changed(self, participant: Participant) -> None:
        """Tell every page."""
        self.signal({"type": "consent", "participant": participant.id, "analysed": participant.analysed})

    def lost(self, participant: Participant, reason: str) -> None:
        """The analysis connection is gone. A page makes a new one; a program that joined by offer alone has left."""
        if participant.signal is None:
            self._forget(participant, reason)


class Rooms:
    """All rooms of one server, their limits, and the way of the engine's events into them."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._rooms: dict[str, Room] = {}
        self._left_at: float | None = None
        """When somebody left first since memory was released."""
        self._leaving: set[asyncio.Task[None]] = set()
        self.live: LiveEngine

    def __len__(self) -> int:
        return len(self._rooms)

    def people(self) -> Iterator[Participant]:
        """Everyone in every room."""
        for room in tuple(self._rooms.values()):
            yield from tuple(room.people.values())

    def room(self, name: str) -> Room:
        """The room called ``name``.

        Raises:
            NotFoundError: nobody is in it.
        """
        try:
            return self._rooms[name]
        except KeyError:
            raise NotFoundError(f"there is no room '{name}'; join it first") from None

    def join(self, room_name: str, name: str, analysed: bool, signal: Signal | None = None) -> Participant:
        """Add a person; the room comes into being with its first.

        Raises:
            BadRequestError: a name is empty or too long.
            MeetingFullError: the room, or the server, has as many as it is configured for.
        """
        self._check_name("room", room_name)
        self._check_name("name", name)
        limits = self._config.rooms
        room = self._rooms.get(room_name)
        if room is None and len(self._rooms) >= limits.max_rooms:
            raise MeetingFullError(f"this server has its {limits.max_rooms} rooms in use; try again later")
        if room is not None and len(room.people) >= limits.max_participants:
            raise MeetingFullError(
                f"room '{room_name}' is full ({len(room.people)} of {limits.max_participants}); "
                "choose another room, or try again when somebody has left"
            )
        room = room or self._rooms.setdefault(room_name, Room(room_name, self._metrics, self._leave_soon))
        participant = Participant(room, name, analysed, self.live, self._config.runtime, self._metrics)
        participant.signal = signal
        room.publish(participant.joined)
        room.signal({"type": "joined", "participant": introduce(participant)})
        room.people[participant.id] = participant
        self._count()
        return participant

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

    async def leave(self, participant: Participant, reason: str) -> None:
        """Take a person out of their room and tell the others, with what was still open of their speech."""
        room = self._rooms.get(participant.key.meeting)
        if room is None or room.people.pop(participant.id, None) is None:
            return
        if not room.people:
            del self._rooms[room.name]
        self._count()
        room.signal({"type": "left", "participant": participant.id, "reason": reason})
        for event in await participant.close():
            room.publish(event)
        self._left_at = self._left_at or time.monotonic()
        room.publish(Left(participant.key, reason))

    def deliver(self, events: list[EngineEvent], closing: list[StreamKey]) -> None:
        """Publish what the engine found, unless the participant withdrew meanwhile; ``closing`` streams end soon."""
        for meeting in {key.meeting for key in closing} & self._rooms.keys():
            self._rooms[meeting].expect_final()
        for event in events:
            room = self._rooms.get(event.key.meeting)
            participant = room.people.get(event.key.participant) if room else None
            if room and participant and participant.analysed and participant.key == event.key:
                room.publish(event)

    async def watch(self) -> None:
        """Look after stalled streams, and after the memory of those who left, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            for participant in self.people():
                participant.check(time.monotonic())
            if self._left_at is not None and time.monotonic() - self._left_at > _RELEASE_S:
                self._left_at = None
                await asyncio.to_thread(release_memory)

    async def close(self) -> None:
        """Everyone leaves."""
        await asyncio.gather(*(self.leave(participant, "the server stops") for participant in self.people()))
        await asyncio.gather(*self._leaving)

    def _leave_soon(self, participant: Participant, reason: str) -> None:
        self._spawn(self.leave(participant, reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _check_name(self, what: str, value: str) -> None:
        longest = self._config.rooms.max_name_length
        if not 1 <= len(value.strip()) <= longest or not value.isprintable():
            raise BadRequestError(f"the {what} must have 1 to {longest} printable characters")

    def _count(self) -> None:
        people = list(self.people())
        self._metrics.rooms.set(len(self._rooms))
        self._metrics.participants.set(len(people))
        self._metrics.analysed.set(sum(participant.analysed for participant in people))


def introduce(participant: Participant) -> dict[str, Any]:
    """A participant as pages see them."""
    return {"id": participant.id, "name": participant.name, "analysed": participant.analysed}
