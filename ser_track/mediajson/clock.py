"""When the packets of a bridge came, by what is in them."""

from typing import Final

_BEHIND_S: Final = 1.0


class MediaClock:
    """Says when packets came by what is in them: they are sent in order and lose nothing on the way to us.

    So how fast they are sent does not matter, and a recording gives what the call gave.
    """

    def __init__(self, rate_hz: int) -> None:
        """``rate_hz`` is the timestamps'."""
        self._rate_hz = rate_hz
        self._latest: int | None = None
        self._now = 0.0

    def now(self, timestamp: int, clock: float) -> float:
        """When a packet with this timestamp (32 bits) came; ``clock`` is what a clock in seconds says."""
        if self._latest is None:
            self._latest, self._now = timestamp, clock
            return clock
        ticks = (timestamp - self._latest + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if ticks > 0:
            self._latest = timestamp
            # A clock that is slow, or stands still while muted, must not fall behind: holes would be given up at once.
            self._now = max(self._now + ticks / self._rate_hz, clock - _BEHIND_S)
        return self._now
