"""One person in a room: their consent, their analysis connection, their tap into the engine."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

from ser_track.config import RuntimeConfig
from ser_track.errors import BadRequestError, NotFoundError
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.messages import parse_object, read_consent
from ser_track.runtime.live_engine import LiveEngine
from ser_track.runtime.metrics import Metrics
from ser_track.runtime.tap import Tap
from ser_track.sinks.encode import EventLine, encode
from ser_track.types import ConsentChanged, Event, Fault, FloatArray, Joined, StreamKey

Signal = Callable[[dict[str, Any]], None]


class Home(Protocol):
    """What a participant needs of their room."""

    name: str

    def publish(self, event: Event) -> None:
        """Tell everyone in the room."""
        ...

    def present(self) -> list[Joined]:
        """Who is there, for one who has just opened their channel."""
        ...

    def consent_changed(self, participant: "Participant") -> None:
        """Tell the pages."""
        ...

    def lost(self, participant: "Participant", reason: str) -> None:
        """The analysis connection is gone."""
        ...


class Participant:
    """Owner of an `AnalysisPeer` (see `PeerOwner`). Without consent, no audio of theirs reaches the engine."""

    def __init__(
        self, home: Home, name: str, analysed: bool, live: LiveEngine, config: RuntimeConfig, metrics: Metrics
    ) -> None:
        """``analysed`` is what the person answered when asked."""
        self.id = f"p-{secrets.token_hex(4)}"
        self.secret = secrets.token_urlsafe(16)
        self.name = name
        self.analysed = analysed
        self.signal: Signal | None = None
        """Reaches their page; ``None`` for a program that joined by offer alone and lives as long as its connection."""
        self._home = home
        self._live = live
        self._config = config
        self._metrics = metrics
        self._peer: AnalysisPeer | None = None
        self._tap: Tap | None = None
        self._connecting: set[asyncio.Task[str]] = set()
        self._streams = 0
        self._used = False
        self.leaving = False
        """Nothing new begins any more; what is under way is told to the end."""
        self.key = self._next_key()

    @property
    def joined(self) -> Joined:
        """The event that introduces them."""
        return Joined(self.key, self.name, self.analysed)

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
        """Agree to analysis, or withdraw: then nothing more is heard, and what was held is dropped."""
        if analysed == self.analysed:
            return
        self.analysed = analysed
        if analysed:
            self._begin_stream()
        elif self._tap is not None:
            self._hear_as(None)
            self._live.discard(self._tap.key)
            self._tap = None
        self._home.publish(ConsentChanged(self.key, analysed))
        self._home.consent_changed(self)

    def put(self, line: EventLine) -> None:
        """Send them an event."""
        if self._peer is not None:
            self._peer.put(line)

    def check(self, now: float) -> None:
        """Once in a while: has their audio stalled, or come back? ``now`` is monotonic seconds."""
        if self._tap is None:
            return
        if self._peer is not None and self._peer.took_packets():
            self._tap.note_audio()
        if (event := self._tap.check(now)) is not None:
            self._home.publish(event)

    async def finish(self) -> None:
        """Take nothing more; when this returns, what was still open in the stream has been told to the room."""
        self.leaving = True
        await self._end_stream()

    async def close(self) -> None:
        """Hang up, after `finish`."""
        if self._peer is not None:
            await self._peer.close()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def heard(self, samples: FloatArray, at: int) -> None:
        """See `PeerOwner`."""
        if self._tap is not None:
            self._tap.push(samples, at)

    def packet(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """See `PeerOwner`."""
        if self._tap is not None:
            self._tap.packet(ssrc, sequence, timestamp, payload, time.monotonic())

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self._home.publish(Fault(self.key, code, message))

    def channel_opened(self) -> None:
        """See `PeerOwner`."""
        for joined in self._home.present():
            self.put(encode(joined))

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`. The one thing that can be said here is consent; what is no such message is answered so."""
        try:
            self.set_consent(read_consent(parse_object(text)))
        except BadRequestError as error:
            self.put(encode(Fault(self.key, "bad_request", f"data channel message not understood: {error}")))

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        self._home.lost(self, reason)

    async def _connect(self, sdp: str) -> str:
        peer = AnalysisPeer(self._config, self._metrics, self, self._live)
        answer = await peer.answer(sdp)
        if self.leaving:
            await peer.close()
            raise NotFoundError("the participant left while the offer was answered; join again")
        earlier, self._peer = self._peer, peer
        if earlier is not None:
            await earlier.close()
            await self._end_stream()
        self._begin_stream()
        return answer

    def _connected(self, task: "asyncio.Task[str]") -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains when nobody waits for it any more

    def _begin_stream(self) -> None:
        """A new stream for a new connection or a new consent: media time and segment numbers begin again."""
        if self.analysed and self._tap is None and not self.leaving:
            if self._used:
                self.key = self._next_key()
            self._used = True
            self._tap = Tap(self._live, self.key, time.monotonic(), self._config.stalled_after_s)
            self._hear_as(self.key)

    async def _end_stream(self) -> None:
        tap, self._tap = self._tap, None
        if tap is not None:
            await self._live.flush(tap.key)

    def _hear_as(self, key: StreamKey | None) -> None:
        if self._peer is not None:
            self._peer.hear_as(key)

    def _next_key(self) -> StreamKey:
        self._streams += 1
        return StreamKey(self._home.name, self.id, f"{self.id}-s{self._streams}")
