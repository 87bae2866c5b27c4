"""Keeps the latest packets that were not decoded: when a voice comes, what led up to it is decoded after all."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.rtp.packet_counts import PacketCounts

_KEPT: Final = SAMPLE_RATE_HZ // 2
_LED_UP: Final = 3 * SAMPLE_RATE_HZ // 10
"""A voice begins at most this long before its level shows it."""
_WARM_UP: Final = 2
"""Packets after which a decoder gives the same, whatever it decoded before."""
_WARM_UP_SAMPLES: Final = SAMPLE_RATE_HZ // 10


class PlacedPacket(NamedTuple):
    """One Opus packet with its place in media time (16 kHz)."""

    at: int
    samples: int
    """How long it lasts; 0 if it is not Opus."""
    payload: bytes
    level: int | None
    lost: int
    """How many samples of missing packets may lie right before it."""
    interrupted: bool
    """Whether a packet without audio came right before it, such as comfort noise or a key of a telephone."""

    @property
    def end(self) -> int:
        """Index of the first sample after it."""
        return self.at + self.samples


class LeadUp(NamedTuple):
    """What led up to a voice."""

    warm_up: Sequence[PlacedPacket]
    """To decode and to throw away, so that the decoder follows."""
    heard: Sequence[PlacedPacket]


class UndecodedPackets:
    """At least half a second of one stream, where that much was not decoded; counts what it drops."""

    def __init__(self, counts: PacketCounts) -> None:
        self._counts = counts
        self._kept: deque[PlacedPacket] = deque()
        self._passed = 0
        """Index up to which everything is heard, or dropped and counted."""

    def __len__(self) -> int:
        """How many packets are kept."""
        return len(self._kept)

    @property
    def begin(self) -> int:
        """Index of the oldest sample that can still be heard."""
        return self._kept[0].at

    def latest(self) -> Sequence[PlacedPacket]:
        """Return the packets that show what is in the last one: that one, after a warm-up."""
        kept = self._kept
        return [kept[n] for n in range(max(0, len(kept) - _WARM_UP - 1), len(kept))]

    def keep(self, packets: Sequence[PlacedPacket], end: int) -> None:
        """Add packets that follow the others, or what was heard up to ``end``; drop what is too old."""
        kept = self._kept
        if not kept:
            self._passed = end
        kept.extend(packets)
        newest, passed, dropped = packets[-1], self._passed, 0
        latest = newest.at + newest.samples - _KEPT
        while (oldest := kept[0]).at + oldest.samples <= latest:
            kept.popleft()
            if oldest.at > passed:
                self._count_gap(oldest)
            passed, dropped = max(passed, oldest.at + oldest.samples), dropped + oldest.samples
            self._passed = passed
        self._counts.undecoded_samples += dropped

    def take(self, at: int) -> LeadUp:
        """Return what led up to a voice that shows itself at index ``at``, and drop the rest."""
        kept = [*self._kept]
        self._kept.clear()
        first = next((n for n, packet in enumerate(kept) if packet.at >= at - _LED_UP), len(kept))
        self._drop(kept[:first])
        if first < len(kept):
            self._count_gap(kept[first])
        near = at - _LED_UP - _WARM_UP_SAMPLES
        warm_up = [packet for packet in kept[max(0, first - _WARM_UP) : first] if packet.at >= near]
        return LeadUp(warm_up, kept[first:])

    def drop(self) -> None:
        """Drop everything that is kept."""
        self._drop(self._kept)
        self._kept.clear()

    def _drop(self, packets: Iterable[PlacedPacket]) -> None:
        for packet in packets:
            self._count_gap(packet)
            self._counts.undecoded_samples += packet.samples
            self._passed = max(self._passed, packet.end)

    def _count_gap(self, packet: PlacedPacket) -> None:
        """Count the time before ``packet``: lost, or not sent."""
        if (gap := packet.at - self._passed) > 0:
            lost = min(gap, packet.lost)
            self._counts.missing_samples += lost
            self._counts.silent_samples += gap - lost
