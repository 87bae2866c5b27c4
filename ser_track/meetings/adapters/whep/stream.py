"""One stream of a WHEP server, as a `Meeting` with one person in it. Nothing can be sent back."""

import asyncio
import logging
import secrets

from ser_track.chunk import Chunk
from ser_track.errors import BadRequestError, JoinError
from ser_track.event_types import EncodedEvent
from ser_track.meetings.adapters.whep.pulling_peer import PullingPeer
from ser_track.meetings.adapters.whep.target import StreamTarget
from ser_track.meetings.adapters.whep.viewer_session import ViewerSession, WhepError
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.meeting import Host, Services
from ser_track.rtp.header import Arrival

log = logging.getLogger(__name__)


class Stream:
    """See `Meeting`, and `PeerOwner`: it owns its one connection."""

    def __init__(self, target: StreamTarget, host: Host, services: Services) -> None:
        self._target = target
        self._host = host
        self._services = services
        self._timeout_s = services.config.meetings.step_timeout_s
        self._session: ViewerSession | None = None
        self._peer: PullingPeer | None = None
        self._attendee: Attendee | None = None
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._why = ""

    async def connect(self) -> None:
        """See `Meeting`."""
        self._connected.clear()
        self._lost.clear()
        try:
            await self._connect()
        except BaseException:
            await self.close()
            raise
        # A new id each time: the speaker may be somebody else, who must not inherit an agreement.
        self._attendee = self._host.joined(secrets.token_hex(8), self._target.speaker)
        if self._attendee is not None:
            self._attendee.begin_sending(self._peer)

    async def wait(self) -> str:
        """See `Meeting`."""
        await self._lost.wait()
        return self._why

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`. WHEP has no way back: programs read the events."""

    async def close(self) -> None:
        """See `Meeting`."""
        self._attendee = None
        session, self._session = self._session, None
        peer, self._peer = self._peer, None
        try:
            if session is not None:
                await session.end()
        finally:
            if peer is not None:
                await peer.close()

    def packet(self, arrival: Arrival) -> None:
        """See `PeerOwner`."""
        if self._attendee is not None:
            self._attendee.arrived(arrival)

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`."""
        if self._attendee is not None:
            self._attendee.heard(chunk)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        if self._attendee is not None:
            self._attendee.fault(code, message)
        else:
            log.error("%s: %s", self._target.where, message)

    def connected(self) -> None:
        """See `PeerOwner`."""
        self._connected.set()

    def channel_opened(self) -> None:
        """See `PeerOwner`: we offer no data channel."""

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`: we offer no data channel."""

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        self._why = reason
        self._lost.set()

    async def _connect(self) -> None:
        services, target = self._services, self._target
        self._peer = PullingPeer(services.config.runtime, services.metrics, self, services.audio)
        self._session = ViewerSession(services.http.session, target.url, target.bearer_token, self._timeout_s)
        step = "get the stream"
        try:
            answer = await self._session.begin(await self._peer.offer())
            await self._peer.accept(answer)
            step = "connect to the stream"
            await self._establish()
        except WhepError as error:
            raise JoinError(target.where, step, str(error), error.code) from error
        except BadRequestError as error:
            raise JoinError(target.where, step, str(error), "refused") from error

    async def _establish(self) -> None:
        """Return once the connection is there. Raises WhepError."""
        ends = [asyncio.create_task(each.wait()) for each in (self._connected, self._lost)]
        try:
            await asyncio.wait(ends, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._lost.is_set():
            raise WhepError("unreachable", self._why)
        if not self._connected.is_set():
            reason = f"no connection was established in {self._timeout_s:.0f} s; let UDP to the server through"
            raise WhepError("unreachable", reason)
