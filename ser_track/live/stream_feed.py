"""Feeds one consenting participant's audio to the engine: rebases media time, and detects when the sender stalls."""

from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.event_types import EndReason, Resumed, Stalled, StreamKey
from ser_track.rtp.header import Arrival

_PAUSE_S = 1.0
"""After this time without audio an open segment is closed. It is longer than any DTX gap or burst of loss."""


class FedEngine(Protocol):
    """The part of `LiveEngine` that a feed uses."""

    def open(self, key: StreamKey) -> None:
        """Begin a stream."""
        ...

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        """Add samples in the stream's media time."""
        ...

    def push_packet(self, key: StreamKey, arrival: Arrival) -> None:
        """Add an RTP packet with Opus."""
        ...

    def pause(self, key: StreamKey, reason: EndReason) -> None:
        """Close the open segment."""
        ...


class StreamFeed:
    """Feeds one stream; time 0 is its first sample. Once closed, it ignores all audio."""

    def __init__(
        self, live: FedEngine, key: StreamKey, now: float, stalled_after_s: float, sends_silence: bool = True
    ) -> None:
        """``now`` is a monotonic time in seconds, as in `check`.

        A sender that leaves out silence may send nothing for any time; that is then silence, and not a stall.
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
        """Add samples in the track's own media time."""
        at, samples = chunk
        if self._first is None:
            self._first = at
        self._heard, self._paused = True, False
        self._live.push(self.key, Chunk(at - self._first, samples))

    def note_audio(self) -> None:
        """Note that packets came directly through the socket, not through this feed."""
        self._heard, self._paused = True, False

    def packet(self, arrival: Arrival) -> None:
        """Add an RTP packet with Opus."""
        self._heard, self._paused = True, False
        self._live.push_packet(self.key, arrival)

    def check(self, now: float, muted: bool = False) -> Stalled | Resumed | None:
        """The change since the last check, if any: the sender's audio stalled, or arrives again.

        A sender that is ``muted``, as reported by their server, does not need to send anything.
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
            if self._paused:  # after unmuting, a sender has as much time to start as one who pauses
                self._heard_at = max(self._heard_at, now - _PAUSE_S)
            return None
        if not self._stalled and silent_s >= self._stalled_after_s:
            self._stalled = True
            return Stalled(self.key, silent_s)
        return None
