"""One person in a meeting, whatever meeting it is: their consent, and their feed into the engine."""

import asyncio
import secrets
import time
from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.config.schema import RuntimeConfig
from ser_track.event_types import ConsentChanged, Event, Fault, Joined, StreamKey
from ser_track.live.intake import Keep
from ser_track.live.live_engine import LiveEngine
from ser_track.live.stream_feed import StreamFeed
from ser_track.rtp.header import Arrival


class AttendeeHost(Protocol):
    """What an attendee needs of their meeting: its roster."""

    name: str
    """As stream keys carry it."""

    def emit(self, event: Event) -> object:
        """Tell everyone in the meeting."""
        ...

    def keeper(self, key: StreamKey, name: str) -> Keep | None:
        """What keeps the audio of a stream that begins, where the meeting is recorded."""
        ...


class MediaConnection(Protocol):
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
        self,
        host: AttendeeHost,
        name: str,
        agreed: bool,
        live: LiveEngine,
        config: RuntimeConfig,
        sends_silence: bool = True,
        publishes: bool = True,
    ) -> None:
        """``agreed`` is what the person answered; ``sends_silence``: see `StreamFeed`; ``publishes``: see `Host`."""
        self.id = f"p-{secrets.token_hex(4)}"
        self.name = name
        self.agreed = agreed
        self.publishes = publishes
        """Whether they send audio at all."""
        self.agreements = 0
        """How often they agreed."""
        self.muted = False
        """By the word of their server: nothing need come from them."""
        self.leaving = False
        """Nothing new begins any more; what is under way is told to the end."""
        self._host = host
        self._live = live
        self._config = config
        self._sends_silence = sends_silence
        self._source: MediaConnection | None = None
        self._sending = False
        self._feed: StreamFeed | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._streams = 0
        self._used = False
        self.key = self._next_key()

    @property
    def analysed(self) -> bool:
        """Whether they agreed, and send audio that can be analysed."""
        return self.agreed and self.publishes

    @property
    def joined(self) -> Joined:
        """The event that introduces them."""
        return Joined(self.key, self.name, self.analysed)

    def begin_sending(self, source: MediaConnection | None = None) -> None:
        """Their audio comes from now on: a new stream, if they agreed, of which media time 0 is the first sample."""
        self._source, self._sending = source, True
        self._begin_stream()

    async def end_sending(self) -> None:
        """No more audio comes; when this returns, what was still open has been told to the meeting.

        Several may ask for it at once, and any of them may be cancelled.
        """
        self._sending = False
        source, self._source = self._source, None
        feed, self._feed = self._feed, None
        if feed is not None or source is not None:
            task = asyncio.create_task(self._end_stream(feed, source))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        if self._ending:
            await asyncio.wait(set(self._ending))

    def set_consent(self, analysed: bool) -> None:
        """Agree to analysis, or withdraw: then nothing more is heard, and what was held is dropped."""
        if analysed == self.agreed:
            return
        self.agreed = analysed
        if analysed:
            self.agreements += 1
            self._begin_stream()
        elif self._feed is not None:
            self._hear_as(None)
            self._live.discard(self._feed.key)
            self._feed = None
        self._host.emit(ConsentChanged(self.key, analysed))

    def check(self, now: float) -> None:
        """Once in a while: has their audio stalled, or come back? ``now`` is monotonic seconds."""
        if self._feed is None:
            return
        if self._source is not None and self._source.took_packets():
            self._feed.note_audio()
        if (event := self._feed.check(now, self.muted)) is not None:
            self._host.emit(event)

    async def finish(self) -> None:
        """Take nothing more; when this returns, what was still open in the stream has been told to the meeting."""
        self.leaving = True
        await self.end_sending()

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`."""
        if self._feed is not None:
            self._feed.push(chunk)

    def arrived(self, arrival: Arrival) -> None:
        """An RTP packet with Opus, with its time of arrival."""
        if self._feed is not None:
            self._feed.packet(arrival)

    async def room(self) -> None:
        """Return once more of their audio can be taken without losing any."""
        if self._feed is not None:
            await self._live.room_for(self._feed.key)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self._host.emit(Fault(self.key, code, message))

    def _begin_stream(self) -> None:
        """A new stream for a new connection or a new consent: media time and segment numbers begin again."""
        if self._sending and self.agreed and self._feed is None and not self.leaving:
            if self._used:
                self.key = self._next_key()
            self._used = True
            stalled_after_s = self._config.stalled_after_s
            self._feed = StreamFeed(self._live, self.key, time.monotonic(), stalled_after_s, self._sends_silence)
            if (keep := self._host.keeper(self.key, self.name)) is not None:
                self._live.keep(self.key, keep)
            self._hear_as(self.key)

    async def _end_stream(self, feed: StreamFeed | None, source: MediaConnection | None) -> None:
        if feed is not None:
            await self._live.flush(feed.key)  # with what still waits in the connection's socket
        if source is not None:
            source.hear_as(None)

    def _hear_as(self, key: StreamKey | None) -> None:
        if self._source is not None:
            self._source.hear_as(key)

    def _next_key(self) -> StreamKey:
        self._streams += 1
        return StreamKey(self._host.name, self.id, f"{self.id}-s{self._streams}")
