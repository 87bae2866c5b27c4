"""Unwraps RTP's numbers, and detects a new source (RFC 3550, A.1)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ser_track.rtp.header import MAX_AHEAD_S, RTP_CLOCK_HZ, Arrival, make
from ser_track.rtp.opus_packet import packet_length

_MAX_SKIPPED: Final = 3000
MAX_LATE: Final = 100
"""RFC 3550, A.1 (MAX_DROPOUT, MAX_MISORDER): sequence numbers that jump farther belong to another stream."""
_MAX_BEHIND_S: Final = 3.0
"""Timestamps that jump farther than this belong to another clock, even if SSRC and sequence continue."""
_MAX_STEP_S: Final = 3.0
_MAX_STOOD_STILL_S: Final = 0.5
"""Packets that come closer to each other than this are no reason to look for a pause."""
_FORGOTTEN_S: Final = 2.0
"""Late packets of the previous source may still arrive for this long."""


class Packet(NamedTuple):
    """One RTP packet; ``sequence`` and ``timestamp`` (48 kHz) continue where RTP's 16 and 32 bits wrap."""

    sequence: int
    timestamp: int
    payload: bytes
    level: int | None = None
    """In -dBov, as the sender gives it (RFC 6464)."""


class _Suspect(NamedTuple):
    ssrc: int
    packet: Packet
    now: float


class SequenceUnwrapper:
    """Follows one source; a new source replaces it once two matching packets of the new one have arrived.

    A single unmatched packet, such as a straggler or a damaged one, changes nothing. ``now`` is any clock in seconds.
    """

    def __init__(self) -> None:
        self.began_at = 0.0
        """When the source's first packet arrived."""
        self._ssrc: int | None = None
        self._last = Packet(0, 0, b"")
        self._first_timestamp = 0
        self._suspect: _Suspect | None = None
        self._before: tuple[int, float] | None = None
        """SSRC of the previous source, and when it was replaced."""

    @property
    def next_sequence(self) -> int:
        """The number of the packet after the latest."""
        return self._last.sequence + 1

    def follow(self, arrival: Arrival) -> Packet | None:
        """Return the packet if it continues the earlier ones, or is the very first."""
        ssrc, sequence, timestamp, payload, now, level, _ = arrival
        if ssrc != self._ssrc:
            return self._begin(ssrc, Packet(*arrival[1:4], level), now) if self._ssrc is None else None
        last = self._last
        step = (sequence - last.sequence + 0x8000 & 0xFFFF) - 0x8000
        ticks = (timestamp - last.timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        if not -MAX_LATE <= step <= _MAX_SKIPPED or ticks < -_MAX_BEHIND_S * RTP_CLOCK_HZ:
            return None
        packet = Packet(last.sequence + step, last.timestamp + ticks, payload, level)
        # Time may stand still or be skipped (DTX, a muted sender), but never be far ahead of what has passed here.
        if packet.timestamp - self._first_timestamp > (now - self.began_at + MAX_AHEAD_S) * RTP_CLOCK_HZ:
            return None
        if step > 0:
            self._last = packet
        return packet

    def follow_run(self, arrivals: Iterable[Arrival], previous: float) -> list[Packet]:
        """Return the packets of the first ``arrivals``, as long as each follows at once on the one before it.

        That means that no packet and no time is missing, and nothing stood still: the latest before them came at
        ``previous``. The others are left for `follow`.
        """
        packets, last = list[Packet](), self._last
        sequence, timestamp, length = last.sequence, last.timestamp, packet_length(last.payload)
        latest = self._first_timestamp + (MAX_AHEAD_S - self.began_at) * RTP_CLOCK_HZ
        for ssrc, number, stamp, payload, now, level, redundant in arrivals:
            sequence, timestamp = sequence + 1, timestamp + length
            in_order = number == sequence & 0xFFFF and stamp == timestamp & 0xFFFFFFFF and ssrc == self._ssrc
            if not in_order or redundant or not length or not payload:
                break
            if now - previous > _MAX_STOOD_STILL_S or timestamp > latest + now * RTP_CLOCK_HZ:
                break
            packets.append(make(Packet, (sequence, timestamp, payload, level)))
            length, previous = packet_length(payload), now
        if packets:
            self._last = packets[-1]
        return packets

    def timestamp_of(self, copy: Arrival) -> int | None:
        """Return the continued timestamp of a redundant ``copy``; ``None`` if it belongs to another source."""
        if copy.ssrc != self._ssrc:
            return None
        return self._last.timestamp + (copy.timestamp - self._last.timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000

    def begin_anew(self, arrival: Arrival) -> list[Packet]:
        """Return the first two packets of a new source if this is the second; else remember it for a while."""
        ssrc, sequence, timestamp, payload, now, level, _ = arrival
        if self._before is not None and self._before[0] == ssrc and now - self._before[1] < _FORGOTTEN_S:
            return []
        packet, suspect = Packet(sequence, timestamp, payload, level), self._suspect
        self._suspect = _Suspect(ssrc, packet, now)
        if suspect is None or suspect.ssrc != ssrc or sequence != (suspect.packet.sequence + 1) & 0xFFFF:
            return []
        ticks = timestamp - suspect.packet.timestamp & 0xFFFFFFFF
        if not 0 < ticks <= _MAX_STEP_S * RTP_CLOCK_HZ:
            return []
        if self._ssrc is not None and self._ssrc != ssrc:
            self._before = self._ssrc, now
        self._suspect = None
        first = self._begin(ssrc, suspect.packet, suspect.now)
        second = self.follow(arrival)
        return [first] if second is None else [first, second]

    def _begin(self, ssrc: int, packet: Packet, now: float) -> Packet:
        self._ssrc, self._last = ssrc, packet
        self.began_at, self._first_timestamp = now, packet.timestamp
        return packet
