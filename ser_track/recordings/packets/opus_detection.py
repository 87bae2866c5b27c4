"""Are these RTP packets Opus? Nothing in them says so, but two things must agree if they are.

An Opus packet begins with how much time is in it (RFC 6716, 3.1), and RTP's clock moves by that much to the next
(RFC 7587, 4.2). Encrypted packets begin with anything: of random first bytes about a fifth happen to say 20 ms.
"""

from typing import Final, Literal

from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.opus import packet_length

Verdict = Literal["opus", "other", "unknown"]

_MAX_STEP: Final = 5760
"""RTP time of the longest packet, 120 ms: longer steps are silence that was not sent."""
_FEWEST: Final = 4
_ENOUGH_AGREE: Final = 0.8
"""Damage and odd senders move a few steps; what is no Opus agrees in one of five."""
_CLOCK_TOLERANCE: Final = 0.1


class OpusDetection:
    """Looks at the packets of one payload type of one sender, in their order."""

    __slots__ = ("_agreed", "_compared", "_last", "_length", "_passed_s", "_ticks")

    def __init__(self) -> None:
        self._agreed = self._compared = self._length = 0
        self._last: Arrival | None = None
        self._ticks, self._passed_s = 0, 0.0

    @property
    def verdict(self) -> Verdict:
        """What all packets so far say together."""
        if self._compared < _FEWEST:
            return "unknown"
        return "opus" if self._agreed >= _ENOUGH_AGREE * self._compared else "other"

    @property
    def keeps_time_of_opus(self) -> bool:
        """Whether their clock runs at 48 kHz, as encrypted Opus does, and neither video nor telephony."""
        return abs(self._ticks - self._passed_s * RTP_CLOCK_HZ) < _CLOCK_TOLERANCE * self._ticks

    def note(self, arrival: Arrival) -> None:
        """Compare a packet with the one before it, if that came just before it."""
        last, self._last = self._last, arrival
        if last is not None and arrival.sequence == (last.sequence + 1) & 0xFFFF:
            step = (arrival.timestamp - last.timestamp) & 0xFFFFFFFF
            if 0 < step <= _MAX_STEP:
                self._compared += 1
                self._agreed += step == self._length
                self._ticks += step
                self._passed_s += arrival.now - last.now
        self._length = packet_length(arrival.payload)
