"""The meetings of our own: rooms where browsers meet, with the analysis bot as one more participant."""

import asyncio
import logging
import time
import unicodedata
from collections.abc import Coroutine, Iterator
from typing import Any

from ser_track.config.schema import Config
from ser_track.errors import BadRequestError, ForbiddenError, MeetingFullError, NotFoundError
from ser_track.events import EngineEvent, Left
from ser_track.live.live_engine import LiveEngine
from ser_track.live.memory import release_memory
from ser_track.live.metrics import Metrics
from ser_track.meetings.adapters.rooms.participant import Participant, Signal
from ser_track.meetings.adapters.rooms.room import Room, introduce

log = logging.getLogger(__name__)
_NO_TEXT = ("Cc", "Cs", "Zl", "Zp")
_BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""They could make a name look like another; joiners and marks, which names need, are none of them."""
_CHECK_S = 0.5
_RELEASE_S = 2.0
"""After somebody left: others often leave with them, and are released in one go."""


class Rooms:
    """All rooms of one server, their limits, and the way of the engine's events into them."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self._config = config
        self.metrics = metrics
        self._rooms: dict[str, Room] = {}
        self._going: set[str] = set()
        """Participants whose leaving is under way."""
        self._left_at: float | None = None
        """When somebody left first since memory was released."""
        self._leaving: set[asyncio.Task[None]] = set()
        self.live: LiveEngine
        metrics.rooms.set_function(lambda: len(self._rooms))
        metrics.participants.set_function(lambda: sum(1 for _ in self.people()))
        metrics.analysed.set_function(lambda: sum(participant.analysed for participant in self.people()))

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
        room = room or self._rooms.setdefault(room_name, Room(room_name, self.metrics, self._leave_soon))
        participant = Participant(room, name, analysed, self.live, self._config.runtime, self.metrics)
        participant.signal = signal
        room.publish(participant.joined)
        room.signal({"type": "joined", "participant": introduce(participant)})
        room.people[participant.id] = participant
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
        if room is None or participant.id not in room.people or participant.id in self._going:
            return
        self._going.add(participant.id)
        # Goes on if the caller is cancelled, and `close` waits for it.
        await asyncio.shield(self._spawn(self._part(room, participant, reason)))

    async def _part(self, room: Room, participant: Participant, reason: str) -> None:
        try:
            # They stay in the room until then: what their last words were is still theirs.
            await participant.finish()
            await participant.close()
        finally:
            self._going.discard(participant.id)
            self._remove(room, participant)
        room.signal({"type": "left", "participant": participant.id, "reason": reason})
        room.publish(Left(participant.key, reason))

    def deliver(self, events: list[EngineEvent]) -> None:
        """Publish what the engine found, unless the participant withdrew meanwhile."""
        for event in events:
            room = self._rooms.get(event.key.meeting)
            participant = room.people.get(event.key.participant) if room else None
            if room and participant and participant.analysed and participant.key == event.key:
                room.publish(event)

    async def watch(self) -> None:
        """Look after stalled streams, and after the memory of those who left, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self._check()
            if self._left_at is not None and time.monotonic() - self._left_at > _RELEASE_S:
                self._left_at = None
                await asyncio.to_thread(release_memory)

    def _check(self) -> None:
        for participant in self.people():
            participant.check(time.monotonic())

    async def close(self) -> None:
        """Everyone leaves, after the last results had time to be sent."""
        people = list(self.people())
        if people:
            await asyncio.gather(*(participant.finish() for participant in people))
            await asyncio.sleep(self._config.runtime.event_interval_s)
        await asyncio.gather(*(self.leave(participant, "the server stops") for participant in people))
        await asyncio.gather(*self._leaving)

    def _remove(self, room: Room, participant: Participant) -> None:
        room.people.pop(participant.id, None)
        if not room.people and self._rooms.get(room.name) is room:
            del self._rooms[room.name]
        self._left_at = self._left_at or time.monotonic()

    def _leave_soon(self, participant: Participant, reason: str) -> None:
        self._spawn(self.leave(participant, reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return task

    def _check_name(self, what: str, value: str) -> None:
        longest = self._config.rooms.max_name_length
        if not 1 <= len(value.strip()) <= longest:
            raise BadRequestError(f"the {what} must have 1 to {longest} characters, and has {len(value.strip())}")
        if wrong := next((c for c in value if unicodedata.category(c) in _NO_TEXT or c in _BIDI_CONTROLS), None):
            raise BadRequestError(f"the {what} holds the control character U+{ord(wrong):04X}; leave it out")
