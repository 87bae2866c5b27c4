"""Measures how late packets are: by the fastest recent one, because the clocks of sender and receiver differ."""

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

    def lateness_s(self, timestamp: int, now: float) -> float:
        """Return the lateness of a packet with this timestamp (48 kHz) that arrives at ``now``."""
        transit_s = now - timestamp / RTP_CLOCK_HZ
        if now >= self._window_until:
            self._least_before, self._least = self._least, transit_s
            self._window_until = now + _WINDOW_S
        self._least = min(self._least, transit_s)
        return transit_s - min(self._least, self._least_before)
