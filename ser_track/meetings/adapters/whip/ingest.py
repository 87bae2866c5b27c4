"""A meeting that WHIP senders publish to, by its name, as a `Meeting`: they connect to us, and leave by themselves."""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ser_track.errors import JoinError, MeetingFullError, NotFoundError
from ser_track.event_types import EncodedEvent, Left
from ser_track.meetings.adapters.whip.publisher import Publisher
from ser_track.meetings.meeting import Host, Services


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """A meeting by the name in its path."""

    name: str

    @property
    def where(self) -> str:
        """The meeting, for people."""
        return f"whip {self.name}"


class Ingest:
    """See `Meeting`. Each sender is one person; they get the events if they have a data channel."""

    def __init__(self, target: IngestTarget, host: Host, services: Services) -> None:
        """The meeting is over after ``meetings.linger_s`` without a sender."""
        self.publishers: dict[str, Publisher] = {}
        """By session id; until their last results have been sent."""
        self._where = target.where
        self._host = host
        self._services = services
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """See `Meeting`: there is nothing to connect to, because senders connect to us."""

    async def wait(self) -> str:
        """See `Meeting`."""
        linger_s = self._services.config.meetings.linger_s
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self.publishers else linger_s):
                    await self._changed.wait()
            except TimeoutError:
                raise JoinError(self._where, "stay", "nobody publishes to it anymore", "destroyed") from None

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`."""
        change = event.event
        for publisher in tuple(self.publishers.values()):
            if isinstance(change, Left) and change.key.participant == publisher.attendee.id:
                del self.publishers[publisher.session]
                self._spawn(publisher.close())
                self._changed.set()
            else:
                publisher.put(event)

    async def close(self) -> None:
        """See `Meeting`. Everyone has left before."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def add(self, name: str, address: str) -> Publisher:
        """Add a person, who is not connected yet; ``address`` is where they come from.

        Raises:
            MeetingFullError: the meeting has reached its limit of people.
        """
        session = secrets.token_urlsafe(16)
        if (attendee := self._host.joined(session, name)) is None:
            raise MeetingFullError("the meeting is full (meetings.max_participants people); try again later")
        publisher = Publisher(session, attendee, address, self, self._host, self._services)
        self.publishers[session] = publisher
        self._changed.set()
        return publisher

    def find(self, session: str) -> Publisher:
        """The sender with this session. Raises NotFoundError."""
        if (publisher := self.publishers.get(session)) is None or publisher.attendee.leaving:
            raise NotFoundError("the session does not exist or has ended; POST an offer to begin another")
        return publisher

    async def leave(self, publisher: Publisher, reason: str) -> None:
        """Remove a person; returns once their last results have been sent, and their connection is closed."""
        self.lost(publisher, reason)
        await publisher.closed.wait()

    def lost(self, publisher: Publisher, reason: str) -> None:
        """See `PublisherHost`."""
        self._host.left(publisher.session, reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
