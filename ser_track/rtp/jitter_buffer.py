"""Reorders one sender's packets, and decides when to give up a missing packet. It has no clock.

Packets in order are released at once: nobody listens to this audio, so there is no need for even playout. Packets wait
only behind a hole, for as long as recent packets have been late, within bounds.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ser_track.rtp.header import Arrival
from ser_track.rtp.packet_counts import PacketCounts
from ser_track.rtp.pauses import Dated, PauseDetection
from ser_track.rtp.sequence import MAX_LATE, Packet, SequenceUnwrapper
from ser_track.rtp.transit import Transit

START_DELAY_S: Final = 0.06
MIN_DELAY_S: Final = 0.04
MAX_DELAY_S: Final = 0.2
_MARGIN_S: Final = 0.01
_HALVING_S: Final = 0.5
"""After a burst, the delay falls halfway back in this time: below 100 ms again within a second."""
_MAX_HELD: Final = 64
"""Most packets held behind a hole; more than a second of them is not jitter."""


@dataclass(frozen=True, slots=True)
class Hole:
    """``packets`` that did not arrive in time, before the one that follows."""

    packets: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The packet that follows arrived at ``now``, and its timestamp does not say how it lies to those before it.

    The sender restarted (new numbers, new encoder), or ``paused`` without counting the time.
    """

    now: float
    paused: bool = False


Item = Packet | Hole | Restart


class JitterBuffer:
    """Give it packets as they arrive with `put`, take what is due with `take`; ``now`` is any clock in seconds."""

    def __init__(self, counts: PacketCounts | None = None) -> None:
        """``counts`` may be shared with other buffers."""
        self.delay_s = START_DELAY_S
        """How long to wait for a missing packet."""
        self.counts = PacketCounts() if counts is None else counts
        self._numbering = SequenceUnwrapper()
        self._ready: list[Item] = []
        self._held: dict[int, tuple[Packet, float]] = {}
        """Packets by sequence number, with arrival time."""
        self._given_up: deque[int] = deque(maxlen=MAX_LATE)
        self._next: int | None = None
        self._reached = 0
        """Timestamp of the latest packet in the ready queue."""
        self._pauses = PauseDetection()
        self._widened_at: float | None = None
        self._transit = Transit()

    @property
    def least_transit_s(self) -> float:
        """Arrival time minus RTP time of the fastest recent packet."""
        return self._transit.least_s

    def __bool__(self) -> bool:
        """Whether anything is held or ready."""
        return bool(self._held or self._ready or self._pauses)

    def put(self, arrival: Arrival) -> None:
        """Take in one packet; a redundant copy must come after the packet that carried it."""
        if arrival.redundant:
            self._fill_in(arrival)
            return
        self.counts.received += 1
        if self._held:  # by the time of arrival, so that it does not depend on how often packets are taken
            self._give_up_late(arrival.now)
        packet = self._numbering.follow(arrival)
        if packet is not None:
            if self._pauses.holds(packet, arrival.now):
                self._go_on(self._pauses.take(arrival.now))
            else:
                self._sort_in(packet, arrival.now)
            return
        begun = self._numbering.begin_anew(arrival)
        if not begun:
            self.counts.late += 1
            return
        self.counts.late -= 1  # the first of the two
        self._go_on(self._pauses.reset())
        self._begin_anew(begun[0], Restart(self._numbering.began_at))
        for packet in begun:
            self._sort_in(packet, arrival.now)

    def put_run(self, arrivals: Sequence[Arrival]) -> int:
        """Take in the first of ``arrivals``, as long as nothing is missing; return how many that are.

        It does what `put` does for each of them, in a fraction of the time. `put` must get the others.
        """
        previous = self._pauses.latest_arrival
        if self._held or self._pauses or self._next is None or previous is None:
            return 0
        if self._next != self._numbering.next_sequence or not (run := self._numbering.follow_run(arrivals, previous)):
            return 0
        last, now = run[-1], arrivals[len(run) - 1].now
        self.counts.received += len(run)
        self._ready += run
        self._next, self._reached = last.sequence + 1, last.timestamp
        self._pauses.note_last(last, now)
        self._note_lateness(run, [arrival.now for arrival in arrivals[: len(run)]])
        return len(run)

    def take(self, now: float) -> list[Item]:
        """Return the items that are due at ``now``, in order."""
        if self._pauses:
            self._go_on(self._pauses.take(now))
        self._give_up_late(now)
        ready, self._ready = self._ready, []
        return ready

    def flush(self) -> list[Item]:
        """Return everything that is held: no more packets will arrive."""
        self._go_on(self._pauses.flush())
        while self._held:
            self._give_up()
        ready, self._ready = self._ready, []
        return ready

    def _go_on(self, dated: Iterable[Dated]) -> None:
        for packet, now, after_pause in dated:
            if after_pause:
                self._begin_anew(packet, Restart(now, paused=True))
            self._sort_in(packet, now)

    def _fill_in(self, copy: Arrival) -> None:
        """Put a copy into the hole that its timestamp lies in, if there is one."""
        at = self._numbering.timestamp_of(copy)
        if not self._held or self._next is None or at is None or at <= self._reached:
            return
        before, before_at = self._next - 1, self._reached
        for sequence in sorted(self._held):
            packet, _ = self._held[sequence]
            if packet.timestamp >= at:
                hole, hole_at = sequence - before, packet.timestamp - before_at
                if hole > 1 and packet.timestamp > at > before_at:
                    missing = before + min(hole - 1, max(1, round((at - before_at) / hole_at * hole)))
                    self.counts.lost += 1
                    self.counts.recovered += 1
                    self._held[missing] = Packet(missing, at, copy.payload, packet.level), copy.now
                    self._release()
                return
            before, before_at = sequence, packet.timestamp

    def _sort_in(self, packet: Packet, now: float) -> None:
        if packet.payload:
            self._widen(self._transit.lateness_s(packet.timestamp, now), now)
        sequence = packet.sequence
        if sequence == self._next and not self._held:  # the usual case
            self._ready.append(packet)
            self._next, self._reached = sequence + 1, packet.timestamp
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

    def _begin_anew(self, first: Packet, restart: Restart) -> None:
        while self._held:
            self._give_up()
        self._ready.append(restart)
        self._next, self._reached, self._transit = first.sequence, first.timestamp - 1, Transit()
        self._given_up.clear()

    def _release(self) -> None:
        """Move packets in order to the ready queue. The very first packet waits in case an earlier one follows."""
        while self._next is not None and (held := self._held.pop(self._next, None)) is not None:
            self._ready.append(held[0])
            self._next, self._reached = self._next + 1, held[0].timestamp

    def _give_up_late(self, now: float) -> None:
        while self._held and now - min(at for _, at in self._held.values()) >= self.delay_s:
            self._give_up()

    def _give_up(self) -> None:
        first = min(self._held)
        if self._next is not None and first > self._next:
            self.counts.lost += first - self._next
            self._ready.append(Hole(first - self._next))
            self._given_up.extend(range(max(self._next, first - MAX_LATE), first))
        self._next = first
        self._release()

    def _note_lateness(self, run: Sequence[Packet], nows: Sequence[float]) -> None:
        worst_s = self._transit.worst_s([packet.timestamp for packet in run], nows)
        if worst_s is not None and worst_s <= MIN_DELAY_S - _MARGIN_S:
            self._widen(worst_s, nows[-1])  # none of them widens it, so it fell from the first to the last
            return
        for packet, now in zip(run, nows, strict=True):
            self._widen(self._transit.lateness_s(packet.timestamp, now), now)

    def _widen(self, lateness_s: float, now: float) -> None:
        """Raise the delay at once when packets are late, and let it fall back slowly."""
        wanted_s = min(MAX_DELAY_S, max(MIN_DELAY_S, lateness_s + _MARGIN_S))
        if wanted_s < self.delay_s:
            passed_s = 0.0 if self._widened_at is None else max(0.0, now - self._widened_at)
            fallen_s = MIN_DELAY_S + (self.delay_s - MIN_DELAY_S) * 0.5 ** (passed_s / _HALVING_S)
            wanted_s = max(wanted_s, fallen_s)
        self.delay_s, self._widened_at = wanted_s, now
