"""Tells pauses that a sender's timestamps leave out from packets that the network held up.

Some senders count on where they were when they are muted, so a packet comes seconds later than its timestamp says. It
does so too after the network has stood still. Then the packets that waited come at once; after a pause they do not.
"""

from typing import Final, NamedTuple

from ser_track.rtp.header import RTP_CLOCK_HZ
from ser_track.rtp.sequence import Packet

_SHORTEST_S: Final = 0.8
"""Less is jitter, a sender that was short of CPU, or a recorder that notes the times of several packets together."""
_WATCHED_S: Final = 0.4
"""How long packets are watched before it is decided what they follow."""
_FASTEST: Final = 1.2
"""Media time for each second of arrival, after a pause: more is packets that waited."""
_MARGIN_S: Final = 0.04
_MAX_WATCHED: Final = 64


class Dated(NamedTuple):
    """A packet, when it arrived, and whether it is the first after a pause."""

    packet: Packet
    now: float
    after_pause: bool = False


class PauseDetection:
    """Give it packets with `holds`; those that it holds come from `take` and `flush`."""

    def __init__(self) -> None:
        self._last: tuple[int, int, float] | None = None
        """Sequence number, timestamp and arrival of the latest packet."""
        self._watched: list[Dated] = []

    def __bool__(self) -> bool:
        """Whether packets are watched."""
        return bool(self._watched)

    def reset(self) -> list[Dated]:
        """Another source begins; returns the packets that were watched."""
        self._last = None
        return self.flush()

    def holds(self, packet: Packet, now: float) -> bool:
        """Take in a packet that arrived at ``now``, and return whether it is watched: it must wait for `take`."""
        if not packet.payload:  # it says nothing about time
            return False
        if self._watched:
            self._watched.append(Dated(packet, now))
            return True
        last = self._last
        if last is None or packet.sequence > last[0]:
            if last is not None and now - last[2] - (packet.timestamp - last[1]) / RTP_CLOCK_HZ > _SHORTEST_S:
                self._watched.append(Dated(packet, now))
                return True
            self._last = packet.sequence, packet.timestamp, now
        return False

    @property
    def latest_arrival(self) -> float | None:
        """When the latest packet arrived; ``None`` before the first."""
        return None if self._last is None else self._last[2]

    def note_last(self, packet: Packet, now: float) -> None:
        """Note the last of several packets between which there was no pause."""
        self._last = packet.sequence, packet.timestamp, now

    def take(self, now: float) -> list[Dated]:
        """Return the packets that were watched for long enough."""
        if not self._watched:
            return []
        watched_s = now - self._watched[0].now
        held_up = self._media_s() > _FASTEST * watched_s + _MARGIN_S
        enough = self._media_s() > _FASTEST * _WATCHED_S + _MARGIN_S or len(self._watched) >= _MAX_WATCHED
        return self._decide(held_up) if watched_s >= _WATCHED_S or enough else []

    def flush(self) -> list[Dated]:
        """Return everything that is watched: no more packets will arrive."""
        if not self._watched:
            return []
        return self._decide(self._media_s() > _FASTEST * (self._watched[-1].now - self._watched[0].now) + _MARGIN_S)

    def _media_s(self) -> float:
        stamps = [packet.timestamp for packet, *_ in self._watched]
        return (max(stamps) - min(stamps)) / RTP_CLOCK_HZ

    def _decide(self, held_up: bool) -> list[Dated]:
        watched, self._watched = self._watched, []
        latest = max(watched, key=lambda each: each.packet.sequence)
        self._last = latest.packet.sequence, latest.packet.timestamp, latest.now
        if held_up:
            return watched
        first, *rest = sorted(watched, key=lambda each: each.packet.sequence)
        return [first._replace(after_pause=True), *rest]
