"""All meetings that the bot is in: one registry for the library, the command line, the service and the engine."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ser_track.errors import BadRequestError, CalledBackError, MeetingFullError, NotFoundError
from ser_track.event_types import Consent, EncodedEvent, EngineEvent, Left
from ser_track.live.live_engine import LiveEngine
from ser_track.live.memory import release_memory
from ser_track.meetings.adapter import Adapter
from ser_track.meetings.consent import Consents
from ser_track.meetings.meeting import Services
from ser_track.meetings.session import Session
from ser_track.protocols import Sink

log = logging.getLogger(__name__)
_CHECK_S: Final = 0.5
_MAX_ENDED: Final = 20
"""So many ended meetings stay readable, with the reason why they ended."""
_KEEP_ENDED_S: Final = 600.0
"""They hold names and results, which are not to be stored."""
_LEAVE_S: Final = 15.0
_LEAVE_ALL_S: Final = 4.0
"""The time to leave when the server stops: short enough to finish before a process manager kills it (10 s)."""
_RELEASE_S: Final = 2.0
"""The delay after somebody left: others often leave with them, and their memory is released in one go."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of a meeting, for some time after the bot has left it."""

    consents: Consents = field(default_factory=Consents)
    called_back: bool = False
    ended_at: float = field(default_factory=time.monotonic)
    """When the bot was last there, in monotonic seconds."""


class Sessions:
    """Meetings that fail, hang or end do not affect each other."""

    def __init__(self, services: Services, live: LiveEngine) -> None:
        self._services = services
        self._config = services.config
        self._live = live
        self._sessions: dict[str, Session] = {}
        self._memories: dict[str, _Memory] = {}
        """By the meeting's ``where``."""
        self._watcher = _Watcher(services)
        metrics = services.metrics
        metrics.meetings.set_function(lambda: sum(session.adapter.kind != "rooms" for session in self.present))
        metrics.rooms.set_function(lambda: sum(session.adapter.kind == "rooms" for session in self.present))
        metrics.participants.set_function(lambda: sum(len(session.roster.people) for session in self.present))
        metrics.analysed.set_function(lambda: sum(one.analysed for one in self._people()))

    @property
    def present(self) -> list[Session]:
        """Meetings that the bot is in, is joining, or is trying to get back into."""
        return [session for session in self._sessions.values() if session.state != "left"]

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    async def join(
        self,
        adapter: Adapter,
        target: Any,
        base_url: str | None,
        consent: Consent | None = None,
        sinks: Iterable[Sink] = (),
    ) -> Session:
        """Join the meeting that ``target`` identifies; ``sinks`` get each event.

        ``base_url`` is where people reach this server, for the link in the notice. Without a server it is None.

        Raises:
            BadRequestError: people there can refuse only by the link of the notice, and the link would not work.
            MeetingFullError: the configured number of meetings is reached.
            JoinError: it cannot be joined.
        """
        if base_url is None and adapter.capabilities.refusal == "link":
            raise BadRequestError(
                f"people in {target.where} can refuse only by the link of the notice: "
                "set meetings.public_url, and serve the page there"
            )
        session = self._new(adapter, target, base_url, consent, sinks)
        try:
            await session.start()
        except BaseException:
            self._sessions.pop(session.id, None)
            raise
        return session

    def host(self, adapter: Adapter, target: Any, base_url: str | None) -> Session:
        """The meeting that ``target`` identifies, which people or bridges connect to; it is created if needed.

        Raises:
            MeetingFullError: the configured number of meetings is reached.
            CalledBackError: the bot was called back from there a short time ago.
        """
        if (session := self.hosted(target.where)) is not None:
            return session
        # A bridge sends by itself, and must stay away. People try a room again, and no try may close it for longer.
        if self._was_called_back(target.where, again=adapter.kind != "rooms"):
            wait_s = self._config.meetings.linger_s
            raise CalledBackError(f"the bot was called back from this meeting; try again in {wait_s:.0f} s")
        session = self._new(adapter, target, base_url)
        session.host()
        return session

    def hosted(self, where: str) -> Session | None:
        """The meeting there, if it has begun and people can still join it."""
        return next((each for each in self.present if each.where == where and not each.ending), None)

    def find(self, session_id: str) -> Session:
        """The meeting with this id.

        Raises:
            NotFoundError: there is no such meeting.
        """
        try:
            return self._sessions[session_id]
        except KeyError:
            raise NotFoundError.of_meeting(session_id) from None

    async def call_back(self, session: Session) -> None:
        """Leave at somebody's request. A bridge that keeps sending this meeting is refused for some time."""
        if session.state == "left":  # another may have begun there since
            return
        session.called_back = True
        if (memory := self._memories.get(session.where)) is not None:
            memory.called_back = True
        await self.leave(session, "the bot was called back")

    async def leave(self, session: Session, reason: str, within_s: float = _LEAVE_S) -> None:
        """Leave with a goodbye, in bounded time."""
        try:
            async with asyncio.timeout(within_s):
                await session.leave(reason, within_s / 2)
        except TimeoutError:
            log.error("%s: leaving took over %.0f s and was aborted", session.where, within_s)
        except Exception:
            log.exception("%s: leaving failed", session.where)
        if (memory := self._memories.get(session.where)) is not None:
            memory.ended_at = time.monotonic()

    def put(self, events: list[EngineEvent]) -> None:
        """Give each event to the meeting that it belongs to."""
        for event in events:
            if (session := self._sessions.get(event.key.meeting)) is not None:
                _guarded(session, partial(session.roster.put, event))

    async def watch(self) -> None:
        """Check for stalled streams, and release memory after people have left, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            for session in self.present:
                _guarded(session, session.roster.check)
                if (memory := self._memories.get(session.where)) is not None:
                    memory.ended_at = time.monotonic()
            self._forget_some()
            await self._watcher.release()

    async def leave_all(self) -> None:
        """Leave all meetings at once, within a few seconds."""
        reason = "the bot's server is stopping"
        await asyncio.gather(*(self.leave(session, reason, _LEAVE_ALL_S) for session in self.present))

    def _new(
        self,
        adapter: Adapter,
        target: Any,
        base_url: str | None,
        consent: Consent | None = None,
        sinks: Iterable[Sink] = (),
    ) -> Session:
        self._check_limit(adapter)
        consents, mode = self._remembered(target.where), consent or self._config.meetings.consent
        session = Session(adapter, target, mode, consents, base_url, self._live, self._services)
        for sink in (self._watcher, *sinks):
            session.channel.add(sink)
        self._sessions[session.id] = session
        self._forget_some()
        return session

    def _check_limit(self, adapter: Adapter) -> None:
        limit = self._config.limit(adapter.limit)
        count = sum(session.adapter.limit == adapter.limit for session in self.present)
        if count >= limit:
            raise MeetingFullError(f"the bot is in {limit} meetings, as many as {adapter.limit}; leave one first")

    def _people(self) -> Iterator[Any]:
        for session in self.present:
            yield from session.roster.people.values()

    def _was_called_back(self, where: str, *, again: bool) -> bool:
        """Whether the bot was called back from there recently; with ``again``, that time starts again."""
        if (memory := self._memories.get(where)) is None or not memory.called_back or self._over(memory):
            return False
        if again:
            memory.ended_at = time.monotonic()
        return True

    def _remembered(self, where: str) -> Consents:
        """Earlier answers in this meeting, also if the bot was away from it for some time."""
        present = {session.where for session in self.present}
        for other, memory in tuple(self._memories.items()):
            if other not in present and self._over(memory):
                del self._memories[other]
        memory = self._memories.setdefault(where, _Memory())
        memory.called_back, memory.ended_at = False, time.monotonic()
        return memory.consents

    def _over(self, memory: "_Memory") -> bool:
        return time.monotonic() - memory.ended_at > self._config.meetings.linger_s

    def _forget_some(self) -> None:
        ended = [session for session in self._sessions.values() if session.state == "left"]
        old = [session for session in ended if time.time() - session.since_s > _KEEP_ENDED_S]
        for session in {*old, *ended[:-_MAX_ENDED]}:
            del self._sessions[session.id]


class _Watcher:
    """A sink in every meeting: counts events, and releases memory some time after people have left."""

    def __init__(self, services: Services) -> None:
        self._count = services.metrics.events
        self._left_at: float | None = None
        """When the first person left since memory was last released."""

    def put(self, event: EncodedEvent) -> None:
        """See `Sink`."""
        self._count.labels(type=event.type).inc()
        if isinstance(event.event, Left):
            self._left_at = self._left_at or time.monotonic()

    async def release(self) -> None:
        """Return free memory to the system, if somebody left some time ago."""
        if self._left_at is not None and time.monotonic() - self._left_at > _RELEASE_S:
            self._left_at = None
            await asyncio.to_thread(release_memory)


def _guarded(session: Session, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # the failure must not affect other meetings
        log.exception("%s: an event could not be sent", session.where)
