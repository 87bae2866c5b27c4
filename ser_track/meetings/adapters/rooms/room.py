"""One room of this server, as a `Meeting`: people join it with a page, or with a program that speaks WebRTC."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ser_track.errors import JoinError, MeetingFullError
from ser_track.event_types import ConsentChanged, EncodedEvent, Left
from ser_track.meetings.adapters.rooms.participant import Participant, Signal, introduce
from ser_track.meetings.meeting import Host, Services


@dataclass(frozen=True, slots=True)
class RoomTarget:
    """A room by its name."""

    name: str

    @property
    def where(self) -> str:
        """The room, for people."""
        return f"room {self.name}"


class Room:
    """See `Meeting`. People in it hear each other, and see each other's events. It ends when everyone has left."""

    def __init__(self, target: RoomTarget, host: Host, services: Services) -> None:
        self.name = target.name
        self.people: dict[str, Participant] = {}
        """By participant id."""
        self._where = target.where
        self._host = host
        self._services = services
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """See `Meeting`: there is nothing to connect to, because people connect to us."""

    async def wait(self) -> str:
        """See `Meeting`."""
        while self.people:
            self._changed.clear()
            await self._changed.wait()
        raise JoinError(self._where, "stay", "everybody has left", "destroyed")

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`: to everyone's data channel. Pages get further messages over `/ws`."""
        change = event.event
        gone = self.people.pop(change.key.participant, None) if isinstance(change, Left) else None
        for participant in self.people.values():
            participant.put(event)
        if isinstance(change, ConsentChanged):
            self.signal({"type": "consent", "participant": change.key.participant, "analysed": change.analysed})
        elif isinstance(change, Left) and gone is not None:
            self.signal({"type": "left", "participant": gone.id, "reason": change.reason})
            self._spawn(gone.close())
            self._changed.set()

    async def close(self) -> None:
        """See `Meeting`. Everyone has left before."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def join(self, name: str, analysed: bool, signal: Signal | None) -> Participant:
        """Add a person. ``analysed`` is their answer; ``signal`` sends messages to their page, if they have one.

        Raises:
            MeetingFullError: the room has reached its limit of people.
        """
        self._check_limit()
        participant = Participant(self, self._host, name, analysed, signal, self._services)
        self.signal({"type": "joined", "participant": introduce(participant)})
        self.people[participant.id] = participant
        return participant

    async def leave(self, participant: Participant, reason: str) -> None:
        """Remove a person, and send the others their last results."""
        participant.leave(reason)
        await participant.closed.wait()

    def lost(self, participant: Participant, reason: str) -> None:
        """An analysis connection is gone. A page makes a new one; a program that joined by offer alone has left."""
        if participant.signal is None:
            participant.leave(reason)

    def signal(self, message: dict[str, Any]) -> None:
        """Send ``message`` to every page."""
        for participant in self.people.values():
            if participant.signal is not None:
                participant.signal(message)

    def _check_limit(self) -> None:
        limit = self._services.config.rooms.max_participants
        if len(self.people) >= limit:
            raise MeetingFullError(
                f"room '{self.name}' is full ({len(self.people)} of {limit}); "
                "choose another room, or try again when somebody has left"
            )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
