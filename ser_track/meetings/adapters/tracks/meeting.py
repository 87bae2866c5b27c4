"""One meeting whose tracks a sender sends over one peer connection, as a `Meeting`.

What the sender says on the data channel is in `Control`, and who is on which track in `People`.
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Final

from ser_track.chunk import Chunk
from ser_track.errors import BadRequestError, JoinError
from ser_track.event_types import EncodedEvent, Left
from ser_track.meetings.adapters.tracks.control import Control
from ser_track.meetings.adapters.tracks.messages import of_answer, of_error
from ser_track.meetings.adapters.tracks.offer import TracksOffer, read_tracks
from ser_track.meetings.adapters.tracks.people import People
from ser_track.meetings.adapters.tracks.target import TracksTarget
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.meeting import Host, Services
from ser_track.meetings.rate_limits import Allowance
from ser_track.rtp import opus
from ser_track.rtp.header import Arrival
from ser_track.rtp.track_routes import Seat, TrackRoutes

log = logging.getLogger(__name__)
_MAX_SENT: Final = 262_144
"""The longest message that a sender may send, as our answer says; aiortc writes that."""
_OFFERS_PER_S, _OFFERS_BURST = 1.0, 20
_MESSAGES_PER_S: Final = 50
_BURST_PER_PERSON: Final = 10
_FLUSH_S: Final = 0.25
_STRANGERS_PER_S, _STRANGERS_BURST = 2.0, 50


class TracksMeeting:
    """See `Meeting`, and `PeerOwner`. It lasts as long as its connection."""

    def __init__(self, target: TracksTarget, host: Host, services: Services) -> None:
        self._target = target
        self._where = target.where
        self._host = host
        self._services = services
        self._loop = asyncio.get_running_loop()
        self._max_people = services.config.meetings.max_participants
        self._routes = TrackRoutes(self._noticed)
        self._people = People(host, self._routes)
        self._control = Control(host, self._people, self._offered, self._send)
        self._peer: AnalysisPeer | None = None
        self._offer: TracksOffer
        self._first_answer = self._answer = ""
        self._answers = 0
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._messages = Allowance(_MESSAGES_PER_S, max(500, _BURST_PER_PERSON * self._max_people))
        self._offers = Allowance(_OFFERS_PER_S, _OFFERS_BURST)
        self._strangers = Allowance(_STRANGERS_PER_S, _STRANGERS_BURST)

    def answered(self) -> str:
        """Our answer to the sender's first offer."""
        return self._answer

    async def connect(self) -> None:
        """See `Meeting`. Raises BadRequestError: the offer cannot be answered."""
        if not opus.available():
            raise JoinError(self._where, "answer", "libopus is not installed (Debian: libopus0)", "no_opus")
        self._offer = read_tracks(self._target.sdp, self._max_people)
        config, metrics, audio = self._services.config.runtime, self._services.metrics, self._services.audio
        # Kept before it can fail: then `close` closes it.
        self._peer = peer = AnalysisPeer(config, metrics, self, audio, routes=self._routes, max_message=_MAX_SENT)
        self._first_answer = await peer.answer(self._offer.reduced)
        self._routes.describe(self._offer.tracks)
        self._answer = self._offer.complete(self._first_answer)

    async def wait(self) -> str:
        """See `Meeting`. The sender comes back with a new meeting of the same name."""
        raise JoinError(self._where, "stay", await asyncio.shield(self._lost), "destroyed")

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`: the sender gets every event."""
        if self._peer is not None:
            self._peer.put(event)
        if isinstance(event.event, Left):
            self._people.forget(event.event.key.participant)

    async def close(self) -> None:
        """See `Meeting`."""
        peer, self._peer = self._peer, None
        await self._people.close()
        if peer is not None:
            if not self._lost.done():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._services.config.runtime.event_interval_s + _FLUSH_S):
                        await peer.flushed()
            await peer.close()

    def packet(self, arrival: Arrival) -> None:
        """See `PeerOwner`."""
        self._people.packet(arrival)

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`. Only Opus was accepted: samples of other codecs do not come."""

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self._send(of_error(code, message))

    def connected(self) -> None:
        """See `PeerOwner`."""

    def channel_opened(self) -> None:
        """See `PeerOwner`."""
        for event in self._host.present():
            self.put(event)

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        if not self._lost.done():
            self._lost.set_result(reason)
        self._people.remove_all(reason)

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`."""
        if self._lost.done():
            return
        if not self._messages.take():
            log.warning(
                "%s: the sender sent over %d messages per second and was disconnected", self._where, _MESSAGES_PER_S
            )
            self.connection_lost("the sender sent too many messages on the data channel")
            return
        self._control.take(text)

    def _offered(self, sdp: str) -> None:
        """A later offer over the same connection: aiortc has all that it needs already."""
        if not self._offers.take():
            raise BadRequestError(f"offers come too fast; send at most {_OFFERS_PER_S:.0f} a second")
        offer = read_tracks(sdp, self._max_people, self._offer.base)
        if offer.connection != self._offer.connection:
            raise BadRequestError(
                "this offer is of another connection (a=ice-ufrag): begin a new meeting with POST /meetings, "
                "of the same name, and close this one"
            )
        self._offer = offer
        self._routes.describe(offer.tracks)
        self._people.remove_all("their track ended", but_on=frozenset(offer.tracks))
        self._answers += 1
        self._send(of_answer(offer.complete(self._first_answer, self._answers)))

    def _noticed(self, ssrc: int, mid: str | None, seat: Seat | None) -> None:
        """Audio arrived that belongs to nobody. Called on any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(partial(self._tell, ssrc, mid, seat))

    def _tell(self, ssrc: int, mid: str | None, seat: Seat | None) -> None:
        if seat is not None and (person := self._people.with_seat(seat)) is not None:
            self._people.pause(person)
        if not self._strangers.take():
            return
        track = "an unknown track" if mid is None else f"the track '{mid}'"
        message = f"audio from the source {ssrc} on {track} belongs to nobody and is not analysed; announce the person"
        log.info("%s: %s", self._where, message)
        self._send(of_error("nobody", message, {"ssrc": ssrc} if mid is None else {"ssrc": ssrc, "mid": mid}))

    def _send(self, text: str) -> None:
        if self._peer is not None:
            self._peer.send(text)
