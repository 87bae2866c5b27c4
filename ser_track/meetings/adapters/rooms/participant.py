"""One person in a room of this server, with their analysis connection, and a page if they use one."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, Protocol

from ser_track.errors import BadRequestError, MeetingFullError, NotFoundError
from ser_track.event_types import EncodedEvent, Fault
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.json_messages import parse_object, read_consent
from ser_track.meetings.meeting import Host, Services
from ser_track.meetings.peer_owner import AttendeeOwner
from ser_track.meetings.rate_limits import ANSWERS_BURST, ANSWERS_PER_S, Allowance
from ser_track.output.wire import encode

log = logging.getLogger(__name__)
Signal = Callable[[dict[str, Any]], None]
_MESSAGES_PER_S = 50
_MESSAGES_BURST = 500
"""A participant who sends more than this on their data channel is disconnected: each message costs the server time."""
_FLUSH_S = 0.25
"""The time to send queued events to a person when their room ends."""


class ConnectionHost(Protocol):
    """The part of a room that a participant needs."""

    def lost(self, participant: "Participant", reason: str) -> None:
        """The analysis connection is gone."""
        ...


class Participant(AttendeeOwner):
    """Owner of an `AnalysisPeer` (see `PeerOwner`)."""

    def __init__(
        self,
        room: ConnectionHost,
        host: Host,
        name: str,
        analysed: bool,
        signal: Signal | None,
        services: Services,
    ) -> None:
        """``analysed`` is the person's answer when they joined.

        ``signal`` sends messages to their page; ``None`` is a program that joined by offer alone and lives as long as
        its connection.

        Raises:
            MeetingFullError: the meeting has reached its limit of people.
        """
        self._foreign = secrets.token_hex(8)
        super().__init__(_joined(host, self._foreign, name, analysed))
        self.secret = secrets.token_urlsafe(16)
        self.signal = signal
        self.closed = asyncio.Event()
        """Set when they have left and all their connections are closed."""
        self.address = ""
        """The network address that they joined from, if it is known."""
        self.was_connected = False
        """Whether an analysis connection of theirs has ever been established."""
        self._room = room
        self._host = host
        self._services = services
        self._left = False
        self._peer: AnalysisPeer | None = None
        self._connecting: set[asyncio.Task[str]] = set()
        self._messages = Allowance(_MESSAGES_PER_S, _MESSAGES_BURST)
        self._answers = Allowance(ANSWERS_PER_S, ANSWERS_BURST)
        self._hasty = False
        """Whether their latest message was ignored because there were too many."""
        self._hanging_up: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """Their id here."""
        return self.attendee.id

    def owns(self, secret: str) -> bool:
        """Whether ``secret`` is theirs."""
        return secrets.compare_digest(secret.encode(errors="surrogatepass"), self.secret.encode())

    def answered(self, analysed: bool) -> None:
        """Record that they agree to analysis, or withdraw."""
        self._host.answered(self.attendee, analysed)

    def leave(self, reason: str) -> None:
        """Begin to leave; `closed` is set when it is done."""
        self._left = True
        self._host.left(self._foreign, reason)

    async def connect(self, sdp: str) -> str:
        """Answer the offer ``sdp`` with a new analysis connection, which replaces an earlier one.

        Raises:
            BadRequestError: the offer is unusable; an earlier connection stays open.
        """
        # Continues if the caller is cancelled: if binding is interrupted, aioice leaks sockets; if closing is, aiortc
        # stays half open. `close` waits for it.
        task = asyncio.create_task(self._connect(sdp))
        self._connecting.add(task)
        task.add_done_callback(self._connected)
        return await asyncio.shield(task)

    def put(self, event: EncodedEvent) -> None:
        """Send them an event."""
        if self._peer is not None:
            self._peer.put(event)

    async def close(self) -> None:
        """Hang up. If they did not leave themselves, queued events are sent first."""
        try:
            if self._peer is not None:
                if not self._left:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._services.config.runtime.event_interval_s + _FLUSH_S):
                            await self._peer.flushed()
                await self._peer.close()
            await asyncio.gather(*self._connecting, return_exceptions=True)
        finally:
            self.closed.set()

    def connected(self) -> None:
        """See `PeerOwner`."""
        self.was_connected = True

    def channel_opened(self) -> None:
        """See `PeerOwner`."""
        for event in self._host.present(self.attendee):
            self.put(event)

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`. Only consent can be sent here; any other message is answered with an error.

        A refusal always counts, however many messages came before it.
        """
        if self._hanging_up is not None:
            return
        if not self._messages.take():
            self._hang_up()
            return
        in_time = self._answers.take()
        try:
            if not (analysed := read_consent(parse_object(text))) or in_time:
                self.answered(analysed)
        except BadRequestError as error:
            if in_time:
                self._tell("bad_request", f"the data channel message was not understood: {error}")
        if not in_time and not self._hasty:
            self._tell("too_many", "messages come too fast: only refusals count until you send fewer")
        self._hasty = not in_time

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        self._room.lost(self, reason)

    def _tell(self, code: str, message: str) -> None:
        self.put(encode(Fault(self.attendee.key, code, message)))

    def _hang_up(self) -> None:
        reason = "sent too many messages on the data channel"
        log.warning("'%s' %s and was disconnected", self.attendee.name, reason)
        peer = self._peer
        if peer is not None:
            self._hanging_up = asyncio.create_task(peer.close())
        self._room.lost(self, reason)

    async def _connect(self, sdp: str) -> str:
        services = self._services
        peer = AnalysisPeer(services.config.runtime, services.metrics, self, services.audio)
        answer = await peer.answer(sdp)
        if self.attendee.leaving:
            await peer.close()
            raise NotFoundError("the participant left before the offer was answered; join again")
        earlier, self._peer, self._hanging_up = self._peer, peer, None
        if earlier is not None:
            await earlier.close()
            if self._peer is peer:
                await self.attendee.end_sending()
        if self._peer is peer:  # a still newer connection may have taken its place meanwhile
            self.attendee.begin_sending(peer)
        return answer

    def _connected(self, task: "asyncio.Task[str]") -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            task.exception()  # otherwise asyncio complains when nobody waits for it any longer


def introduce(participant: Participant) -> dict[str, Any]:
    """A participant as pages see them; pages can call only participants with a ``page``."""
    page, person = participant.signal is not None, participant.attendee
    return {"id": person.id, "name": person.name, "analysed": person.analysed, "page": page}


def _joined(host: Host, foreign: str, name: str, analysed: bool) -> Attendee:
    attendee = host.joined(foreign, name, analysed=analysed)
    if attendee is None:
        raise MeetingFullError("the room is full (rooms.max_participants people); try again later")
    return attendee
