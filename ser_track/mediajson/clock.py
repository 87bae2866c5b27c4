"""Derives the arrival time of a bridge's packets from their timestamps."""

from typing import Final

_BEHIND_S: Final = 1.0
_CATCHES_UP_S: Final = 0.5
"""For each packet at most. More would look as if the sender had paused; a bridge whose connection stood still does so
too, and its packets are not late."""


class MediaClock:
    """Derives arrival times from timestamps: packets arrive in order and without loss.

    The sending speed does not matter, so a recording gives the same results as the call.
    """

    def __init__(self, rate_hz: int) -> None:
        """``rate_hz`` is the rate of the timestamps."""
        self._rate_hz = rate_hz
        self._latest: int | None = None
        self._now = 0.0

    def now(self, timestamp: int, clock: float) -> float:
        """Return when a packet with this timestamp (32 bits) arrived; ``clock`` is the current time in seconds."""
        if self._latest is None:
            self._latest, self._now = timestamp, clock
            return clock
        ticks = (timestamp - self._latest + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if ticks > 0:
            self._latest = timestamp
            # A slow clock, or one that stops while muted, must not fall behind: gaps would be given up at once.
            passed = self._now + ticks / self._rate_hz
            self._now = max(passed, min(clock - _BEHIND_S, passed + _CATCHES_UP_S))
        return self._now
