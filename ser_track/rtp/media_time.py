"""Places one sender's packets in the media time of their stream: an index at 16 kHz, 0 is the first packet."""

from typing import Final

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.rtp.header import MAX_AHEAD_S, RTP_CLOCK_HZ

_RTP_PER_SAMPLE: Final = RTP_CLOCK_HZ // SAMPLE_RATE_HZ
_SEAM: Final = SAMPLE_RATE_HZ // 10
_MOST_OFF: Final = SAMPLE_RATE_HZ // 100
"""Some senders read their timestamps from a clock: 10 ms more or less, and less than half a packet, is not a gap."""


class MediaTime:
    """Follows the timestamps (48 kHz) of one source, and the time of arrival from one source to the next."""

    def __init__(self) -> None:
        self.end = 0
        """Index right after all that was heard."""
        self._began_at: float | None = None
        """Arrival time of the first packet."""
        self._origin: int | None = None
        """RTP time of index 0, by this source's clock."""
        self._start = 0
        """Index of this source's first sample in the stream."""

    def note_arrival(self, now: float) -> None:
        """Note that a packet arrived at ``now``: time begins with the first."""
        if self._began_at is None:
            self._began_at = now

    def begin_anew(self, now: float) -> int:
        """Follow another clock from a packet on that arrived at ``now``; return how many samples are left out."""
        passed = round((now - (now if self._began_at is None else self._began_at)) * SAMPLE_RATE_HZ)
        left_out = passed - self.end if passed - self.end > _SEAM else 0  # else the difference is jitter
        # A sender that restarts repeatedly, each time far ahead, is not followed: its audio counts as past.
        self._start = min(self.end + left_out, passed + round(MAX_AHEAD_S * SAMPLE_RATE_HZ))
        self._origin = None
        return left_out

    def place(self, timestamp: int, length: int, missing: int = 0) -> int:
        """Return the index of a packet with ``length`` samples, before which ``missing`` samples were lost."""
        if self._origin is None:
            self._origin = timestamp - self._start * _RTP_PER_SAMPLE
        at = (timestamp - self._origin) // _RTP_PER_SAMPLE
        off = at - self.end - missing
        if 0 < abs(off) <= min(_MOST_OFF, length // 2):
            self._origin += off * _RTP_PER_SAMPLE
            at -= off
        return at

    def passed_s(self, at: int) -> float | None:
        """Return the RTP time of index ``at`` in seconds; ``None`` before the source's first packet."""
        return None if self._origin is None else (self._origin + at * _RTP_PER_SAMPLE) / RTP_CLOCK_HZ
