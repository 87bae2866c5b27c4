"""One conference, by its session id, on any number of bridges, as a `Meeting`.

Here the other side connects. Results go back on the socket that carries their speaker's audio.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol

from ser_track.errors import JoinError
from ser_track.event_types import Announcement, Emotion, EncodedEvent, Event, Left, Notice
from ser_track.mediajson.frames import Frame, Media, Ping, SessionEnded, SourceStarted, SourceStopped, pong
from ser_track.meetings.adapters.mediajson.attendee_source import AttendeeSource
from ser_track.meetings.adapters.mediajson.transcripts import of_emotion, of_notice
from ser_track.meetings.meeting import Host, Services

log = logging.getLogger(__name__)
_MAX_SOURCES: Final = 500


class Bridge(Protocol):
    """The socket of one bridge; the web side implements it."""

    def answer(self, text: str) -> None:
        """Queue an answer to a request of the bridge."""
        ...

    def tell(self, text: str, interim: bool) -> None:
        """Queue a message for the conference; an ``interim`` one is dropped if the bridge does not read."""
        ...


@dataclass(slots=True)
class _Endpoint:
    name: str
    bridge: Bridge
    sources: int = 0


@dataclass(frozen=True, slots=True)
class ConferenceTarget:
    """A conference by the session id that its bridges send."""

    session: str

    @property
    def where(self) -> str:
        """The session, for people."""
        return f"mediajson session {self.session}"


class Conference:
    """See `Meeting`."""

    def __init__(self, target: ConferenceTarget, host: Host, services: Services) -> None:
        """The conference is over after ``meetings.linger_s`` without a bridge."""
        self._where = target.where
        self._linger_s = services.config.meetings.linger_s
        self._host = host
        self._notice: EncodedEvent | None = None
        self._bridges: dict[Bridge, dict[str, AttendeeSource]] = {}
        """The sources of each bridge, by tag."""
        self._endpoints: dict[str, _Endpoint] = {}
        self._speakers: dict[str, _Endpoint] = {}
        """By our id of the participant, until their last results have been sent."""
        self._numbered = 0
        self._told_strangers = False
        self._changed = asyncio.Event()

    async def connect(self) -> None:
        """See `Meeting`: there is nothing to connect to, because bridges connect to us."""

    async def wait(self) -> str:
        """See `Meeting`."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._bridges else self._linger_s):
                    await self._changed.wait()
            except TimeoutError:
                raise JoinError(self._where, "stay", "no bridge sends this session any longer", "destroyed") from None

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`. Results go into the conference, and the notice to each new person."""
        self._tell(event, event.event)

    def _tell(self, encoded: EncodedEvent, event: Event | Announcement) -> None:
        if isinstance(event, Notice) and event.participant is None:
            self._notice = encoded
        elif isinstance(event, Notice) and (asked := self._speakers.get(event.participant or "")) is not None:
            asked.bridge.tell(of_notice(asked.name, encoded), interim=False)
        elif isinstance(event, Left):
            self._speakers.pop(event.key.participant, None)
        elif isinstance(event, Emotion) and (speaker := self._speakers.get(event.key.participant)) is not None:
            speaker.bridge.tell(of_emotion(speaker.name, event, encoded), interim=not event.final)

    async def close(self) -> None:
        """See `Meeting`. Bridges close their sockets themselves, or the server closes them when it stops."""

    def add(self, bridge: Bridge) -> None:
        """A bridge has connected."""
        self._bridges[bridge] = {}
        self._changed.set()

    def remove(self, bridge: Bridge) -> None:
        """A bridge has gone, and everyone whose audio it sent."""
        for tag in tuple(self._bridges[bridge]):
            self._stop(bridge, tag, "their bridge disconnected")
        del self._bridges[bridge]
        self._changed.set()

    async def take(self, bridge: Bridge, frame: Frame) -> bool:
        """Handle ``frame``. Returns False if the bridge ends the session."""
        match frame:
            case Media():
                await self._hear(bridge, frame)
            case SourceStarted():
                self._start(bridge, frame)
            case SourceStopped(tag=tag):
                self._stop(bridge, tag, "their source stopped")
            case Ping():
                bridge.answer(pong(frame))
            case SessionEnded():
                return False
        return True

    async def _hear(self, bridge: Bridge, media: Media) -> None:
        source = self._bridges[bridge].get(media.tag)
        if source is not None:
            await source.take(media)
        elif not self._told_strangers:
            self._told_strangers = True
            log.warning("%s: audio of '%s' is skipped: no usable start message was sent for it", self._where, media.tag)

    def _start(self, bridge: Bridge, started: SourceStarted) -> None:
        self._stop(bridge, started.tag, "their source started again")
        sources = self._bridges[bridge]
        attendee = None
        if len(sources) < _MAX_SOURCES:
            attendee = self._host.joined(started.endpoint, started.endpoint, sends_silence=False)
        if attendee is None:
            log.warning("%s: too many sources: '%s' is not analysed", self._where, started.tag)
            return
        endpoint = self._endpoints.get(started.endpoint)
        if endpoint is None:
            endpoint = self._endpoints[started.endpoint] = _Endpoint(started.endpoint, bridge)
            self._speakers[attendee.id] = endpoint
            if self._notice is not None:
                bridge.tell(of_notice(started.endpoint, self._notice), interim=False)
        endpoint.bridge = bridge
        self._numbered += 1
        sources[started.tag] = AttendeeSource(started, attendee, self._numbered)
        endpoint.sources += 1
        attendee.begin_sending()

    def _stop(self, bridge: Bridge, tag: str, reason: str) -> None:
        source = self._bridges[bridge].pop(tag, None)
        endpoint = None if source is None else self._endpoints.get(source.endpoint)
        if source is None or endpoint is None:
            return
        endpoint.sources -= 1
        if not endpoint.sources:
            del self._endpoints[source.endpoint]
            self._host.left(source.endpoint, reason)
