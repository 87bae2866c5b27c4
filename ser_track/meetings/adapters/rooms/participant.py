"""One person in a room of ours: an attendee who brings their own analysis connection, and perhaps a page."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Protocol

from ser_track.config.schema import RuntimeConfig
from ser_track.errors import BadRequestError, NotFoundError
from ser_track.events import EncodedEvent, Fault, Joined
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.attendee import Attendee, Home
from ser_track.meetings.json_messages import parse_object, read_consent
from ser_track.output.wire import encode

Signal = Callable[[dict[str, Any]], None]


class RoomOf(Home, Protocol):
    """What a participant needs of their room."""

    def present(self) -> list[Joined]:
        """Who is there, for one who has just opened their channel."""
        ...

    def consent_changed(self, participant: "Participant") -> None:
        """Tell the pages."""
        ...

    def lost(self, participant: "Participant", reason: str) -> None:
        """The analysis connection is gone."""
        ...


class Participant(Attendee):
    """Owner of an `AnalysisPeer` (see `PeerOwner`)."""

    def __init__(
        self, home: RoomOf, name: str, analysed: bool, live: LiveEngine, config: RuntimeConfig, metrics: Metrics
    ) -> None:
        """``analysed`` is what the person answered when asked."""
        super().__init__(home, name, analysed, live, config)
        self.secret = secrets.token_urlsafe(16)
        self.signal: Signal | None = None
        """Reaches their page; ``None`` for a program that joined by offer alone and lives as long as its connection."""
        self._room = home
        self._metrics = metrics
        self._peer: AnalysisPeer | None = None
        self._connecting: set[asyncio.Task[str]] = set()

    def owns(self, secret: str) -> bool:
        """Whether ``secret`` is theirs."""
        return secrets.compare_digest(secret.encode(errors="surrogatepass"), self.secret.encode())

    async def connect(self, sdp: str) -> str:
        """Answer the offer ``sdp`` with a new analysis connection, which takes the place of an earlier one.

        Raises:
            BadRequestError: the offer is unusable; an earlier connection stays.
        """
        # Goes on if the caller is cancelled: cut short while it binds, aioice forgets sockets; while closing, aiortc
        # stays half open. `close` waits for it.
        task = asyncio.create_task(self._connect(sdp))
        self._connecting.add(task)
        task.add_done_callback(self._connected)
        return await asyncio.shield(task)

    def set_consent(self, analysed: bool) -> None:
        """See `Attendee`; pages are told too."""
        if analysed != self.analysed:
            super().set_consent(analysed)
            self._room.consent_changed(self)

    def put(self, line: EncodedEvent) -> None:
        """Send them an event."""
        if self._peer is not None:
            self._peer.put(line)

    async def close(self) -> None:
        """Hang up, after `finish`."""
        if self._peer is not None:
            await self._peer.close()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def channel_opened(self) -> None:
        """See `PeerOwner`."""
        for joined in self._room.present():
            self.put(encode(joined))

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`. The one thing that can be said here is consent; what is no such message is answered so."""
        try:
            self.set_consent(read_consent(parse_object(text)))
        except BadRequestError as error:
            self.put(encode(Fault(self.key, "bad_request", f"data channel message not understood: {error}")))

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        self._room.lost(self, reason)

    async def _connect(self, sdp: str) -> str:
        peer = AnalysisPeer(self._config, self._metrics, self, self._live)
        answer = await peer.answer(sdp)
        if self.leaving:
            await peer.close()
            raise NotFoundError("the participant left while the offer was answered; join again")
        earlier, self._peer = self._peer, peer
        if earlier is not None:
            await earlier.close()
            await self.end_sending()
        self.begin_sending(peer)
        return answer

    def _connected(self, task: "asyncio.Task[str]") -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains when nobody waits for it any more
