"""Measures how late packets are: by the fastest recent one, because the clocks of sender and receiver differ."""

from collections.abc import Sequence
from typing import Final

from ser_track.rtp.header import RTP_CLOCK_HZ

_WINDOW_S: Final = 5.0


class Transit:
    """How much later each packet came than the fastest recent one; two windows of minima follow a drifting clock."""

    def __init__(self) -> None:
        self._least = self._least_before = float("inf")
        self._window_until = float("-inf")

    @property
    def least_s(self) -> float:
        """Transit time of the fastest packet."""
        return min(self._least, self._least_before)

    def worst_s(self, timestamps: Sequence[int], nows: Sequence[float]) -> float | None:
        """Note several packets at once, and return a lateness that none of them exceeds.

        ``None`` if they must be noted one by one, because a new window begins.
        """
        if nows[-1] >= self._window_until:
            return None
        transits_s = [now - timestamp / RTP_CLOCK_HZ for timestamp, now in zip(timestamps, nows, strict=True)]
        self._least = min(self._least, *transits_s)
        return max(transits_s) - min(self._least, self._least_before)

    def lateness_s(self, timestamp: int, now: float) -> float:
        """Return the lateness of a packet with this timestamp (48 kHz) that arrives at ``now``."""
        transit_s = now - timestamp / RTP_CLOCK_HZ
        if now >= self._window_until:
            self._least_before, self._least = self._least, transit_s
            self._window_until = now + _WINDOW_S
        self._least = min(self._least, transit_s)
        return transit_s - min(self._least, self._least_before)
