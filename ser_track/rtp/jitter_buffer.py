"""Puts one sender's packets back into order, and decides when a missing one is given up. No clock inside.

What is in order goes out at once: nobody listens to this audio, so nothing is gained by playing it evenly. Only behind
a hole do packets wait, for as long as packets have lately been late, within bounds.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.sequence import MAX_LATE, Packet, SequenceUnwrapper

START_DELAY_S: Final = 0.06
MIN_DELAY_S: Final = 0.04
MAX_DELAY_S: Final = 0.2
_MARGIN_S: Final = 0.01
_HALVING_S: Final = 0.5
"""In this time the delay after a burst falls halfway back: below 100 ms again within a second."""
_MAX_HELD: Final = 64
"""Packets behind a hole; more than a second of them is no jitter."""
_CLOCK_WINDOW_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Hole:
    """``packets`` that did not come in time, before the one that follows."""

    packets: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The sender began anew, with the packet that follows: other numbers, another encoder. It came at ``now``."""

    now: float


Item = Packet | Hole | Restart


@dataclass(slots=True)
class PacketCounts:
    """What became of packets, of one sender or of many; the last four are samples at 16 kHz."""

    received: int = 0
    duplicates: int = 0
    late: int = 0
    """Came after they had been given up, or belong to nothing."""
    lost: int = 0
    """Given up."""
    broken: int = 0
    """No Opus: concealed."""
    recovered: int = 0
    """Lost, but carried by the packet after them."""
    concealed_samples: int = 0
    missing_samples: int = 0
    """Lost, and too long to be made up."""
    silent_samples: int = 0
    """The sender says, or lets know by sending nothing, that nothing was there."""
    samples: int = 0
    """All that was heard or made up."""


class JitterBuffer:
    """Give it packets as they arrive with `put`, take what is due with `take`; ``now`` is any clock in seconds."""

    def __init__(self, counts: PacketCounts | None = None) -> None:
        """``counts`` may be shared with others."""
        self.delay_s = START_DELAY_S
        """How long a hole is waited for."""
        self.counts = PacketCounts() if counts is None else counts
        self._numbering = SequenceUnwrapper()
        self._ready: list[Item] = []
        self._held: dict[int, tuple[Packet, float]] = {}
        """By sequence number, with time of arrival."""
        self._given_up: deque[int] = deque(maxlen=MAX_LATE)
        self._next: int | None = None
        self._widened_at: float | None = None
        self._transit = _Transit()

    @property
    def least_transit_s(self) -> float:
        """Time of arrival less RTP time, of the quickest of the latest packets."""
        return self._transit.least_s

    def __bool__(self) -> bool:
        """Whether anything is held or ready."""
        return bool(self._held or self._ready)

    def put(self, arrival: Arrival) -> None:
        """Take in one packet."""
        self.counts.received += 1
        packet = self._numbering.follow(arrival)
        if packet is not None:
            self._sort_in(packet, arrival.now)
            return
        begun = self._numbering.begin_anew(arrival)
        if not begun:
            self.counts.late += 1
            return
        self.counts.late -= 1  # the first of the two
        self._begin_anew(begun[0])
        for packet in begun:
            self._sort_in(packet, arrival.now)

    def take(self, now: float) -> list[Item]:
        """What is due at ``now``, in order."""
        while self._held and now - min(at for _, at in self._held.values()) >= self.delay_s:
            self._give_up()
        ready, self._ready = self._ready, []
        return ready

    def flush(self) -> list[Item]:
        """Everything: nothing more will come."""
        while self._held:
            self._give_up()
        ready, self._ready = self._ready, []
        return ready

    def _sort_in(self, packet: Packet, now: float) -> None:
        self._widen(self._transit.lateness_s(packet.timestamp, now), now)
        sequence = packet.sequence
        if sequence == self._next and not self._held:  # as nearly all are
            self._ready.append(packet)
            self._next += 1
        elif sequence in self._given_up:
            self._given_up.remove(sequence)
            self.counts.late += 1
        elif sequence in self._held or (self._next is not None and sequence < self._next):
            self.counts.duplicates += 1
        else:
            self._held[sequence] = packet, now
            self._release()
            while len(self._held) > _MAX_HELD:
                self._give_up()

    def _begin_anew(self, first: Packet) -> None:
        while self._held:
            self._give_up()
        self._ready.append(Restart(self._numbering.began_at))
        self._next, self._transit = first.sequence, _Transit()
        self._given_up.clear()

    def _release(self) -> None:
        """Move what is in order to what is ready. The very first packet waits, in case an earlier one follows it."""
        while self._next is not None and (held := self._held.pop(self._next, None)) is not None:
            self._ready.append(held[0])
            self._next += 1

    def _give_up(self) -> None:
        first = min(self._held)
        if self._next is not None and first > self._next:
            self.counts.lost += first - self._next
            self._ready.append(Hole(first - self._next))
            self._given_up.extend(range(max(self._next, first - MAX_LATE), first))
        self._next = first
        self._release()

    def _widen(self, lateness_s: float, now: float) -> None:
        """The delay follows the latest packets up at once, and falls back towards the least."""
        wanted_s = min(MAX_DELAY_S, max(MIN_DELAY_S, lateness_s + _MARGIN_S))
        if wanted_s < self.delay_s:
            passed_s = 0.0 if self._widened_at is None else max(0.0, now - self._widened_at)
            fallen_s = MIN_DELAY_S + (self.delay_s - MIN_DELAY_S) * 0.5 ** (passed_s / _HALVING_S)
            wanted_s = max(wanted_s, fallen_s)
        self.delay_s, self._widened_at = wanted_s, now


class _Transit:
    """How much later than the quickest of late each packet came; two windows of minima follow a drifting clock."""

    def __init__(self) -> None:
        self._least = self._least_before = float("inf")
        self._window_until = float("-inf")

    @property
    def least_s(self) -> float:
        """Transit of the quickest."""
        return min(self._least, self._least_before)

    def lateness_s(self, timestamp: int, now: float) -> float:
        """Of a packet with this timestamp (48 kHz) that arrives at ``now``."""
        transit_s = now - timestamp / RTP_CLOCK_HZ
        if now >= self._window_until:
            self._least_before, self._least = self._least, transit_s
            self._window_until = now + _CLOCK_WINDOW_S
        self._least = min(self._least, transit_s)
        return transit_s - min(self._least, self._least_before)
