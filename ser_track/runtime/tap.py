"""One consenting participant's way into the engine: rebases media time, watches for silence of the sender."""

from ser_track.runtime.live_engine import LiveEngine
from ser_track.types import FloatArray, Resumed, Stalled, StreamKey


class Tap:
    """Feeds one stream; time 0 is its first sample. Closed, it takes nothing more."""

    def __init__(self, live: LiveEngine, key: StreamKey, now: float, stalled_after_s: float) -> None:
        """``now`` is a monotonic time in seconds, as in `check`."""
        self.key = key
        self._live = live
        self._first: int | None = None
        self._heard_at = now
        self._heard = False
        self._stalled_after_s = stalled_after_s
        self._stalled = False
        live.open(key)

    def push(self, samples: FloatArray, at: int) -> None:
        """Samples at 16 kHz, the first at index ``at`` of the track."""
        if self._first is None:
            self._first = at
        self._heard = True
        self._live.push(self.key, samples, at - self._first)

    def check(self, now: float) -> Stalled | Resumed | None:
        """What changed since the last check: the sender fell silent on the network, or came back."""
        if self._heard:
            self._heard, self._heard_at = False, now
            if self._stalled:
                self._stalled = False
                return Resumed(self.key)
        elif not self._stalled and now - self._heard_at >= self._stalled_after_s:
            self._stalled = True
            return Stalled(self.key, now - self._heard_at)
        return None
