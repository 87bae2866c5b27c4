"""One consenting participant's way into the engine: rebases media time, watches for silence of the sender."""

from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.event_types import EndReason, Resumed, Stalled, StreamKey
from ser_track.rtp.header import Arrival

_PAUSE_S = 1.0
"""Without audio for this long, an open segment is closed: longer than any gap of DTX or a burst of loss."""


class FedEngine(Protocol):
    """The part of `LiveEngine` that is fed."""

    def open(self, key: StreamKey) -> None:
        """Begin a stream."""
        ...

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        """Samples in the stream's media time."""
        ...

    def push_packet(self, key: StreamKey, arrival: Arrival) -> None:
        """An RTP packet with Opus."""
        ...

    def pause(self, key: StreamKey, reason: EndReason) -> None:
        """Close an open segment."""
        ...


class StreamFeed:
    """Feeds one stream; time 0 is its first sample. Closed, it takes nothing more."""

    def __init__(
        self, live: FedEngine, key: StreamKey, now: float, stalled_after_s: float, sends_silence: bool = True
    ) -> None:
        """``now`` is a monotonic time in seconds, as in `check`.

        Of a sender that leaves silence out nothing may come for any time: that is silence then, and no stall.
        """
        self.key = key
        self._live = live
        self._first: int | None = None
        self._heard_at = now
        self._heard = False
        self._stalled_after_s = stalled_after_s
        self._stalled = False
        self._paused = True
        self._sends_silence = sends_silence
        live.open(key)

    def push(self, chunk: Chunk) -> None:
        """Samples in the track's own media time."""
        at, samples = chunk
        if self._first is None:
            self._first = at
        self._heard, self._paused = True, False
        self._live.push(self.key, Chunk(at - self._first, samples))

    def note_audio(self) -> None:
        """Packets came, on a way that does not pass here."""
        self._heard, self._paused = True, False

    def packet(self, arrival: Arrival) -> None:
        """An RTP packet with Opus."""
        self._heard, self._paused = True, False
        self._live.push_packet(self.key, arrival)

    def check(self, now: float, muted: bool = False) -> Stalled | Resumed | None:
        """What changed since the last check: the sender fell silent on the network, or came back.

        Who is ``muted``, by the word of their server, need not send anything.
        """
        if self._heard:
            self._heard, self._heard_at = False, now
            if self._stalled:
                self._stalled = False
                return Resumed(self.key)
            return None
        silent_s = now - self._heard_at
        if not self._paused and silent_s >= _PAUSE_S:
            self._paused = True
            self._live.pause(self.key, "stalled" if self._sends_silence and not muted else "silence")
        if muted or not self._sends_silence:
            if self._paused:  # whoever is unmuted has as much time to begin as one who pauses
                self._heard_at = max(self._heard_at, now - _PAUSE_S)
            return None
        if not self._stalled and silent_s >= self._stalled_after_s:
            self._stalled = True
            return Stalled(self.key, silent_s)
        return None
