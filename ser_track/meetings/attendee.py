"""One person in a meeting, whatever meeting it is: their consent, and their tap into the engine."""

import asyncio
import secrets
import time
from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.config.schema import RuntimeConfig
from ser_track.events import ConsentChanged, Event, Fault, Joined, StreamKey
from ser_track.live.intake import Keep
from ser_track.live.live_engine import LiveEngine
from ser_track.live.stream_feed import StreamFeed
from ser_track.rtp.header import Arrival


class Home(Protocol):
    """What an attendee needs of their meeting."""

    name: str
    """As stream keys carry it."""

    def publish(self, event: Event) -> None:
        """Tell everyone in the meeting."""
        ...

    def keeper(self, key: StreamKey, name: str) -> Keep | None:
        """What keeps the packets of a stream that begins, where the meeting is recorded."""
        ...


class Source(Protocol):
    """A connection whose audio may take a way of its own to the engine, as an `AnalysisPeer`'s does."""

    def hear_as(self, key: StreamKey | None) -> None:
        """Whose audio it is from now on; None: nobody's, it is thrown away unheard."""
        ...

    def took_packets(self) -> bool:
        """Whether packets came since the last call, on the way that does not pass the event loop."""
        ...


class Attendee:
    """Without consent, no audio of theirs reaches the engine. Where audio comes from is for others to know."""

    def __init__(
        self, home: Home, name: str, analysed: bool, live: LiveEngine, config: RuntimeConfig, sends_silence: bool = True
    ) -> None:
        """``analysed`` is what the person answered; ``sends_silence``: see `StreamFeed`."""
        self.id = f"p-{secrets.token_hex(4)}"
        self.name = name
        self.analysed = analysed
        self.agreements = 0
        """How often they agreed."""
        self.muted = False
        """By the word of their server: nothing need come from them."""
        self.leaving = False
        """Nothing new begins any more; what is under way is told to the end."""
        self._home = home
        self._live = live
        self._config = config
        self._sends_silence = sends_silence
        self._source: Source | None = None
        self._sending = False
        self._tap: StreamFeed | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._streams = 0
        self._used = False
        self.key = self._next_key()

    @property
    def joined(self) -> Joined:
        """The event that introduces them."""
        return Joined(self.key, self.name, self.analysed)

    def begin_sending(self, source: Source | None = None) -> None:
        """Their audio comes from now on: a new stream, if they agreed, of which media time 0 is the first sample."""
        self._source, self._sending = source, True
        self._begin_stream()

    async def end_sending(self) -> None:
        """No more audio comes; when this returns, what was still open has been told to the meeting.

        Several may ask for it at once, and any of them may be cancelled.
        """
        self._sending = False
        source, self._source = self._source, None
        tap, self._tap = self._tap, None
        if tap is not None or source is not None:
            task = asyncio.create_task(self._end_stream(tap, source))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        if self._ending:
            await asyncio.wait(set(self._ending))

    def set_consent(self, analysed: bool) -> None:
        """Agree to analysis, or withdraw: then nothing more is heard, and what was held is dropped."""
        if analysed == self.analysed:
            return
        self.analysed = analysed
        if analysed:
            self.agreements += 1
            self._begin_stream()
        elif self._tap is not None:
            self._hear_as(None)
            self._live.discard(self._tap.key)
            self._tap = None
        self._home.publish(ConsentChanged(self.key, analysed))

    def check(self, now: float) -> None:
        """Once in a while: has their audio stalled, or come back? ``now`` is monotonic seconds."""
        if self._tap is None:
            return
        if self._source is not None and self._source.took_packets():
            self._tap.note_audio()
        if (event := self._tap.check(now, self.muted)) is not None:
            self._home.publish(event)

    async def finish(self) -> None:
        """Take nothing more; when this returns, what was still open in the stream has been told to the meeting."""
        self.leaving = True
        await self.end_sending()

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`."""
        if self._tap is not None:
            self._tap.push(chunk)

    def packet(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """See `PeerOwner`."""
        self.arrived(Arrival(ssrc, sequence, timestamp, payload, time.monotonic()))

    def arrived(self, arrival: Arrival) -> None:
        """An RTP packet with Opus, with its time of arrival."""
        if self._tap is not None:
            self._tap.packet(arrival)

    async def room(self) -> None:
        """Return once more of their audio can be taken without losing any."""
        if self._tap is not None:
            await self._live.room_for(self._tap.key)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self._home.publish(Fault(self.key, code, message))

    def _begin_stream(self) -> None:
        """A new stream for a new connection or a new consent: media time and segment numbers begin again."""
        if self._sending and self.analysed and self._tap is None and not self.leaving:
            if self._used:
                self.key = self._next_key()
            self._used = True
            stalled_after_s = self._config.stalled_after_s
            self._tap = StreamFeed(self._live, self.key, time.monotonic(), stalled_after_s, self._sends_silence)
            if (keep := self._home.keeper(self.key, self.name)) is not None:
                self._live.keep(self.key, keep)
            self._hear_as(self.key)

    async def _end_stream(self, tap: StreamFeed | None, source: Source | None) -> None:
        if tap is not None:
            await self._live.flush(tap.key)  # with what still waits in the connection's socket
        if source is not None:
            source.hear_as(None)

    def _hear_as(self, key: StreamKey | None) -> None:
        if self._source is not None:
            self._source.hear_as(key)

    def _next_key(self) -> StreamKey:
        self._streams += 1
        return StreamKey(self._home.name, self.id, f"{self.id}-s{self._streams}")
