"""Corrects the timestamps of senders of Opus whose RTP clock does not run at 48 kHz, as RFC 7587 demands."""

from fractions import Fraction
from typing import Final

from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.opus_packet import packet_length

CLOCKS_HZ: Final = (48_000, 32_000, 24_000, 16_000, 12_000, 8_000)
"""The rates of RTP clocks that gateways have been seen to use for Opus."""
_MILLISECONDS_HZ: Final = 1_000
"""Timestamps in milliseconds: some senders of MediaJson."""
_TOLERANCE: Final = Fraction(1, 8)
"""Some senders read the time where they should count samples."""
_CHANGES_AFTER: Final = 5
_MUCH_SHORTER: Final = 0.55
"""No time that is read from a clock is that far off."""
_LARGEST_STEP: Final = 5760
"""RTP time of the longest packet, 120 ms."""


def clock_of(step: int, length: int) -> int | None:
    """Return the rate in Hz of a clock that advances by ``step`` in a packet of ``length`` units of 48 kHz.

    ``None`` if no known clock does: the sender was silent meanwhile, or the packets are not Opus.
    """
    if step == length:  # the usual case
        return RTP_CLOCK_HZ
    for rate_hz in (*CLOCKS_HZ, _MILLISECONDS_HZ):
        if abs(step * RTP_CLOCK_HZ - length * rate_hz) <= length * rate_hz * _TOLERANCE:
            return rate_hz
    return None


class ClockRate:
    """Finds the rate of one stream's clock by the packets' own lengths, from the second packet on.

    A step that is shorter than its packet can have no other reason; a longer one is silence, which is not sent.
    """

    def __init__(self) -> None:
        self._last: Arrival | None = None
        self._timestamp = 0
        """Of the last packet, at 48 kHz."""
        self._rate_hz: int | None = None
        self._other: tuple[int, int] = 0, 0
        """Another rate that the latest steps fit, and how many of them."""

    def passes_run(self, ssrc: int) -> bool:
        """Whether packets of ``ssrc`` whose timestamps count their lengths at 48 kHz would be returned as they are."""
        last = self._last
        return (
            last is not None
            and last.ssrc == ssrc
            and last.timestamp == self._timestamp
            and self._rate_hz in (None, RTP_CLOCK_HZ)
        )

    def note_last(self, arrival: Arrival) -> None:
        """Note the last of several such packets."""
        self._last, self._timestamp, self._rate_hz, self._other = arrival, arrival.timestamp, RTP_CLOCK_HZ, (0, 0)

    def at_48_khz(self, arrival: Arrival) -> Arrival:
        """Return ``arrival`` with the timestamp that it would have with a clock of 48 kHz."""
        last = self._last
        if last is None or last.ssrc != arrival.ssrc:
            self._last, self._timestamp, self._rate_hz = arrival, arrival.timestamp, None
            return arrival
        ticks = (arrival.timestamp - last.timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        follows = arrival.sequence == (last.sequence + 1) & 0xFFFF
        if follows and not arrival.redundant and 0 < ticks <= _LARGEST_STEP:
            self._note(ticks, packet_length(last.payload))
        rate_hz = self._rate_hz or RTP_CLOCK_HZ
        passed = ticks if rate_hz == RTP_CLOCK_HZ else round(ticks * RTP_CLOCK_HZ / rate_hz)
        timestamp = self._timestamp + passed & 0xFFFFFFFF
        if not arrival.redundant:
            self._last, self._timestamp = arrival, timestamp
        return arrival if timestamp == arrival.timestamp else arrival._replace(timestamp=timestamp)

    def _note(self, ticks: int, length: int) -> None:
        """Take in the step after a packet of this length; one odd step does not change a rate that was found."""
        if not length or (rate_hz := clock_of(ticks, length)) is None:
            return
        if rate_hz == self._rate_hz:
            self._other = 0, 0
            return
        steps = self._other[1] + 1 if self._other[0] == rate_hz else 1
        self._other = rate_hz, steps
        sure = ticks * RTP_CLOCK_HZ == length * rate_hz or ticks < _MUCH_SHORTER * length
        if (self._rate_hz is None and sure) or steps >= _CHANGES_AFTER:
            self._rate_hz, self._other = rate_hz, (0, 0)
