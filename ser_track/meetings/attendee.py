"""One person in a meeting of any kind: their consent, and their feed into the engine."""

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
    """The part of a meeting's roster that an attendee needs."""

    name: str
    """The meeting's name, as in stream keys."""

    def emit(self, event: Event) -> object:
        """Send an event to everyone in the meeting."""
        ...

    def keeper(self, key: StreamKey, name: str) -> Keep | None:
        """The recorder of a new stream's audio, if the meeting is recorded."""
        ...


class MediaConnection(Protocol):
    """A connection whose audio may reach the engine by its own path, as an `AnalysisPeer`'s does."""

    def hear_as(self, key: StreamKey | None) -> None:
        """Assign the audio to ``key`` from now on; None: discard it without analysis."""
        ...

    def took_packets(self) -> bool:
        """Whether packets came through the socket, past the event loop, since the last call."""
        ...


class Attendee:
    """Without consent, none of their audio reaches the engine. An attendee does not know where the audio comes from."""

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
        """``agreed`` is the person's answer; for ``sends_silence`` see `StreamFeed`; for ``publishes`` see `Host`."""
        self.id = f"p-{secrets.token_hex(4)}"
        self.given_name = name
        """Their name as they gave it. Their answers are remembered under it."""
        self.name = name
        """Their name as it is shown, perhaps with a number."""
        self.agreed = agreed
        self.publishes = publishes
        """Whether they send audio at all."""
        self.agreements = 0
        """How often they agreed."""
        self.muted = False
        """Whether their server reports them as muted: they do not need to send anything."""
        self.leaving = False
        """Whether they are leaving: no new stream begins, and open segments get their final results."""
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
        """The event that announces them."""
        return Joined(self.key, self.name, self.analysed)

    def begin_sending(self, source: MediaConnection | None = None) -> None:
        """Their audio comes from now on. If they agreed, a new stream begins, with its first sample at media time 0."""
        self._source, self._sending = source, True
        self._begin_stream()

    async def end_sending(self) -> None:
        """No more audio comes. Returns once the results of open segments have been sent to the meeting.

        Several tasks may call it at once, and any of them may be cancelled.
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
        """Agree to analysis, or withdraw: analysis then stops, and queued audio is dropped."""
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
        """Check regularly whether their audio has stalled, or arrives again. ``now`` is monotonic seconds."""
        if self._feed is None:
            return
        if self._source is not None and self._source.took_packets():
            self._feed.note_audio()
        if (event := self._feed.check(now, self.muted)) is not None:
            self._host.emit(event)

    async def finish(self) -> None:
        """Take no more audio. Returns once the results of open segments have been sent to the meeting."""
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
        """Return once more of their audio can be taken without loss."""
        if self._feed is not None:
            await self._live.room_for(self._feed.key)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self._host.emit(Fault(self.key, code, message))

    def _begin_stream(self) -> None:
        """Begin a stream for a new connection or a new consent: media time and segment numbers start again."""
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
            await self._live.flush(feed.key)  # includes what still waits in the connection's socket
        if source is not None:
            source.hear_as(None)

    def _hear_as(self, key: StreamKey | None) -> None:
        if self._source is not None:
            self._source.hear_as(key)

    def _next_key(self) -> StreamKey:
        self._streams += 1
        return StreamKey(self._host.name, self.id, f"{self.id}-s{self._streams}")
