"""Detects whether RTP packets are Opus. The packets do not say so, but two values must agree if they are.

An Opus packet begins with its duration (RFC 6716, 3.1), and RTP's clock advances by that much to the next packet
(RFC 7587, 4.2). Encrypted packets begin with random bytes, of which about a fifth happen to mean 20 ms. Some senders'
clocks run at another rate than 48 kHz; then the duration must also agree with the time of arrival.
"""

from collections import Counter
from typing import Final, Literal

from ser_track.rtp.clock_rate import clock_of
from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.opus_packet import packet_length

Verdict = Literal["opus", "other", "unknown"]

_MAX_STEP: Final = 5760
"""RTP time of the longest packet, 120 ms: a longer step is silence that was not sent."""
_FEWEST: Final = 4
_ENOUGH_AGREE: Final = 0.8
"""Damage and unusual senders affect a few steps; packets that are not Opus agree in one of five."""
_CLOCK_TOLERANCE: Final = 0.1
_AUDIO_CLOCKS_HZ: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_FEWEST_BYTES: Final = 20
_RANDOM_SHARE: Final = 0.2
"""A sender of Opus hardly changes its configuration, the first six bits; of 64, none is frequent at random."""


class OpusDetection:
    """Looks at the packets of one payload type of one sender, in their order."""

    __slots__ = ("_clocks", "_compared", "_first_bits", "_last", "_length", "_lengths", "_passed_s", "_ticks")

    def __init__(self) -> None:
        self._compared = self._length = 0
        self._clocks = Counter[int | None]()
        """How many steps fit a clock of this rate."""
        self._first_bits = Counter[int]()
        self._last: Arrival | None = None
        self._ticks = self._lengths = 0
        self._passed_s = 0.0

    @property
    def verdict(self) -> Verdict:
        """The verdict from all packets so far."""
        if self._compared < _FEWEST:
            return "unknown"
        if self._clocks[RTP_CLOCK_HZ] >= _ENOUGH_AGREE * self._compared:
            return "opus"
        agreed = max((n for rate_hz, n in self._clocks.items() if rate_hz is not None), default=0)
        expected = self._passed_s * RTP_CLOCK_HZ
        in_real_time = abs(self._lengths - expected) < _CLOCK_TOLERANCE * self._lengths
        return "opus" if in_real_time and agreed >= _ENOUGH_AGREE * self._compared else "other"

    @property
    def keeps_time_of_opus(self) -> bool:
        """Whether their clock runs at 48 kHz, as encrypted Opus does, and neither video nor telephony."""
        return self._runs_at(RTP_CLOCK_HZ)

    @property
    def keeps_time_of_audio(self) -> bool:
        """Whether their clock runs at a rate that audio has; video's is 90 kHz."""
        return any(self._runs_at(rate_hz) for rate_hz in _AUDIO_CLOCKS_HZ)

    @property
    def looks_encrypted(self) -> bool:
        """Whether the packets begin with anything, as encrypted ones do."""
        (_, most), *_ = self._first_bits.most_common(1) or [(0, 0)]
        total = self._first_bits.total()
        return total >= _FEWEST_BYTES and most < _RANDOM_SHARE * total

    def note(self, arrival: Arrival) -> None:
        """Compare a packet with the previous one, if no packet is missing between them."""
        last, self._last = self._last, arrival
        if last is not None and arrival.sequence == (last.sequence + 1) & 0xFFFF:
            step = (arrival.timestamp - last.timestamp) & 0xFFFFFFFF
            if 0 < step <= _MAX_STEP:
                self._compared += 1
                self._clocks[clock_of(step, self._length) if self._length else None] += 1
                self._lengths += self._length
                self._ticks += step
                self._passed_s += arrival.now - last.now
        self._length = packet_length(arrival.payload)
        if arrival.payload:
            self._first_bits[arrival.payload[0] >> 2] += 1

    def _runs_at(self, rate_hz: int) -> bool:
        return abs(self._ticks - self._passed_s * rate_hz) < _CLOCK_TOLERANCE * self._ticks
