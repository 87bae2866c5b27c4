"""All meetings on other servers that the bot is in: one registry for the command line, the service and the engine."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from aiohttp import ClientSession, TraceConfig

from ser_track.config.schema import Config
from ser_track.errors import MeetingFullError, NotFoundError
from ser_track.events import Consent, EncodedEvent, EngineEvent
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.meetings.consent import Consents
from ser_track.meetings.meeting import Meeting, Services
from ser_track.meetings.roster import Listener
from ser_track.meetings.session import Session

log = logging.getLogger(__name__)
_CHECK_S: Final = 0.5
_MOST_ENDED: Final = 20
"""Meetings that are over can be asked about for a while: why they ended."""
_LEAVE_S: Final = 15.0
_LEAVE_ALL_S: Final = 4.0
"""When the server stops: with all that comes after it, before who waits for that end loses patience (10 s)."""


@dataclass(slots=True)
class _Memory:
    """Of a meeting, for a while longer than the bot is in it."""

    consents: Consents = field(default_factory=Consents)
    called_back: bool = False
    ended_at: float = field(default_factory=time.monotonic)
    """When the bot was last seen there, in monotonic seconds."""


class Sessions:
    """Meetings that fail, hang or end do not disturb each other."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._sessions: dict[str, Session] = {}
        self._memories: dict[str, _Memory] = {}
        """By where the meeting is."""
        self.live: LiveEngine
        self.services: Services
        metrics.meetings.set_function(lambda: len(self.present))

    async def start(self) -> None:
        """Make what adapters need. Nobody may lead them elsewhere than where they were sent."""
        tracing = TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)
        http = ClientSession(trace_configs=[tracing])
        self.services = Services(self._config, self._metrics, self.live, http)

    @property
    def present(self) -> list[Session]:
        """Meetings that the bot is in, or is trying to get (back) into."""
        return [session for session in self._sessions.values() if session.state != "left"]

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    async def join(
        self, meeting: Meeting, base_url: str, consent: Consent | None = None, listener: Listener | None = None
    ) -> Session:
        """Join ``meeting``; what people reach this server by goes into the notice. ``listener`` gets each event.

        Raises:
            MeetingFullError: there are as many meetings as are configured for.
            JoinError: it cannot be joined.
        """
        if len(self.present) >= (most := self._config.meetings.max_meetings):
            raise MeetingFullError(f"the bot is in {most} meetings, as many as meetings.max_meetings; leave one first")
        consents, mode = self._remembered(meeting.where), consent or self._config.meetings.consent
        session = Session(meeting, mode, consents, base_url, self.live, self._config)
        session.attendance.listeners.append(self._count)
        if listener is not None:
            session.attendance.listeners.append(listener)
        self._sessions[session.id] = session
        try:
            await session.start()
        except BaseException:
            del self._sessions[session.id]
            raise
        self._forget_some()
        return session

    def called_back(self, where: str) -> bool:
        """Whether the bot was called back from there a short while ago; asking again begins that while anew."""
        if (memory := self._memories.get(where)) is None or not memory.called_back or self._over(memory):
            return False
        memory.ended_at = time.monotonic()
        return True

    def find(self, session_id: str) -> Session:
        """The meeting with this id.

        Raises:
            NotFoundError: there is none.
        """
        try:
            return self._sessions[session_id]
        except KeyError:
            raise no_meeting(session_id) from None

    def having(self, test: Callable[[Meeting], bool]) -> Session | None:
        """A present meeting whose adapter passes ``test``."""
        return next((session for session in self.present if test(session.meeting)), None)

    async def call_back(self, session: Session) -> None:
        """Leave because somebody asks for it. A bridge that goes on sending this meeting is refused for a while."""
        self._memories[session.meeting.where].called_back = True
        await self.leave(session, "the bot was called back")

    async def leave(self, session: Session, reason: str, within_s: float = _LEAVE_S) -> None:
        """Leave politely, in bounded time."""
        try:
            async with asyncio.timeout(within_s):
                await session.leave(reason, within_s / 2)
        except TimeoutError:
            log.error("%s: leaving took over %.0f s and was given up", session.meeting.where, within_s)
        except Exception:
            log.exception("%s: leaving failed", session.meeting.where)
        if (memory := self._memories.get(session.meeting.where)) is not None:
            memory.ended_at = time.monotonic()

    def deliver(self, events: list[EngineEvent]) -> None:
        """Give each event to the meeting that it belongs to, if it is one of these."""
        for event in events:
            if (session := self._sessions.get(event.key.meeting)) is not None:
                self._guarded(session, partial(session.attendance.deliver, event))

    async def watch(self) -> None:
        """Look after stalled streams until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            for session in self.present:
                self._guarded(session, session.attendance.check)
                self._memories[session.meeting.where].ended_at = time.monotonic()

    async def leave_all(self) -> None:
        """Leave all meetings at once, within some seconds."""
        reason = "the bot leaves: its server stops"
        await asyncio.gather(*(self.leave(session, reason, _LEAVE_ALL_S) for session in self.present))

    async def close(self) -> None:
        """Leave all meetings, and give back what adapters needed."""
        await self.leave_all()
        await self.services.http.close()

    def _guarded(self, session: Session, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # the others are not to suffer
            log.exception("%s: an event could not be told", session.meeting.where)

    def _remembered(self, where: str) -> Consents:
        """What was answered in this meeting, also if the bot had left it for a while."""
        for other, memory in tuple(self._memories.items()):
            if self._over(memory):
                del self._memories[other]
        memory = self._memories.setdefault(where, _Memory())
        memory.called_back, memory.ended_at = False, time.monotonic()
        return memory.consents

    def _over(self, memory: "_Memory") -> bool:
        return time.monotonic() - memory.ended_at > self._config.meetings.linger_s

    def _count(self, line: EncodedEvent) -> None:
        self._metrics.events.labels(type=line.type).inc()

    def _forget_some(self) -> None:
        ended = [session.id for session in self._sessions.values() if session.state == "left"]
        for session_id in ended[:-_MOST_ENDED]:
            del self._sessions[session_id]


def no_meeting(session_id: str) -> NotFoundError:
    """What is said of a meeting that is not known."""
    return NotFoundError(f"there is no meeting '{session_id[:60]}'; GET /meetings lists those there are")


async def _refuse_redirect(*_: object) -> None:
    raise ConnectionRefusedError("the server answers with a redirect, which is not followed; give the right address")
