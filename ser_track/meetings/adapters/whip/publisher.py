"""One WHIP session: a person, and the receive-only connection that carries their voice."""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from typing import Final, Protocol

from ser_track.errors import BadRequestError, NotFoundError
from ser_track.event_types import EncodedEvent, Notice
from ser_track.meetings.adapters.whip.offers import ice_name, is_of_ffmpeg
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.meeting import Host, Services
from ser_track.meetings.peer_owner import AnsweringOwner
from ser_track.meetings.rate_limits import Allowance

log = logging.getLogger(__name__)
_PATCHES_PER_S: Final = 5.0
_PATCHES_BURST: Final = 50
_FFMPEG_REMEDY: Final = (
    "; an FFmpeg with GnuTLS, such as PyAV's, uses a certificate that OpenSSL refuses: give its muxer cert_file and "
    "key_file with a P-256 key (docs/meetings.md, WHIP)"
)


class PublisherHost(Protocol):
    """The part of a meeting that a publisher needs."""

    def lost(self, publisher: "Publisher", reason: str) -> None:
        """Their connection is gone."""
        ...


class Publisher(AnsweringOwner):
    """See `PeerOwner`."""

    def __init__(
        self,
        session: str,
        attendee: Attendee,
        address: str,
        meeting: PublisherHost,
        host: Host,
        services: Services,
    ) -> None:
        """``session`` is its id, which nobody can guess; ``address`` is where they come from."""
        super().__init__(attendee, host.answered)
        self.session = session
        self.etag = f'"{secrets.token_hex(8)}"'
        """Of the ICE session (RFC 9725, 4.3.1), which is never restarted."""
        self.address = address
        self.was_connected = False
        self.ice_name = ""
        """The user name fragment in their offer."""
        self.patches = Allowance(_PATCHES_PER_S, _PATCHES_BURST)
        self.closed = asyncio.Event()
        """Set when they have left, and their connection is closed."""
        self._meeting = meeting
        self._host = host
        self._services = services
        self._peer: AnalysisPeer | None = None
        self._remedy = ""

    @property
    def notice_url(self) -> str | None:
        """Their own link of the notice, which nobody else gets."""
        events = (event.event for event in self._host.present(self.attendee))
        return next((event.own_url for event in events if isinstance(event, Notice)), None)

    async def connect(self, sdp: str) -> str:
        """Answer the offer ``sdp``.

        Raises:
            BadRequestError: it cannot be answered.
            NotFoundError: the meeting ended meanwhile.
        """
        self.ice_name = ice_name(sdp)
        self._remedy = _FFMPEG_REMEDY if is_of_ffmpeg(sdp) else ""
        services = self._services
        peer = AnalysisPeer(services.config.runtime, services.metrics, self, services.audio)
        answer = await peer.answer(sdp)
        if self.attendee.leaving:
            await peer.close()
            raise NotFoundError("the meeting ended before the offer was answered; send it again")
        self._peer = peer
        self.attendee.begin_sending(peer)
        return answer

    async def add_candidates(self, lines: Iterable[str]) -> None:
        """Try further addresses of theirs. Raises BadRequestError."""
        try:
            if self._peer is not None:
                await self._peer.add_candidates(lines)
        except ValueError as error:
            raise BadRequestError(f"a candidate cannot be read ({error}); send it as in an SDP offer") from error

    def put(self, event: EncodedEvent) -> None:
        """Send them an event, if they have a data channel."""
        if self._peer is not None:
            self._peer.put(event)

    async def close(self) -> None:
        """Hang up."""
        try:
            if self._peer is not None:
                await self._peer.close()
        finally:
            self.closed.set()

    def connected(self) -> None:
        """See `PeerOwner`."""
        self.was_connected = True

    def channel_opened(self) -> None:
        """See `PeerOwner`."""
        for event in self._host.present(self.attendee):
            self.put(event)

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        if not self.was_connected:
            log.warning("the connection of '%s' was never established (%s)%s", self.attendee.name, reason, self._remedy)
        self._meeting.lost(self, reason)
