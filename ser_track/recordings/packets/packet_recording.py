"""Replays recorded packets through the packet path of a call, at their original arrival times."""

from collections.abc import Iterator, Sequence
from typing import Final

from ser_track.chunk import ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.packets.find_senders import find_senders
from ser_track.recordings.packets.line import Line
from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.packets.unheard import problems
from ser_track.recordings.tracks import unique_names
from ser_track.rtp.packet_reader import PacketReader

_TICK_S: Final = 0.032
"""How often a call processes arrived packets (``runtime.tick_s``)."""


class PacketRecording:
    """One or several files of packets on one time axis: 0 is the first packet of all."""

    def __init__(self, name: str, dumps: Sequence[PacketReader], payload_type: int | None = None) -> None:
        """Read ``dumps`` once to find the senders; errors call them ``name``. ``payload_type`` is RTP's for Opus.

        Raises:
            AudioError: nobody sends audio that can be decoded in them.
        """
        self._name = name
        self._dumps = dumps
        found = find_senders(dumps, payload_type)
        self._senders, self._unheard = found.heard, list(problems(found, payload_type))
        if not self._senders:
            raise AudioError(f"{name} {'; it '.join([*self._unheard, *self._damage()])}")
        self._origin_s = found.origin_s
        self._names = unique_names(sender.name for sender in self._senders.values())
        self.position_s = 0.0
        """How far the replay has progressed."""

    @property
    def participants(self) -> tuple[str, ...]:
        """Unique names: file by file, in order of appearance."""
        return tuple(self._names)

    @property
    def duration_s(self) -> float | None:
        """From the first packet to the last."""
        return max(sender.last_s for sender in self._senders.values()) - self._origin_s

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Yield each participant's audio as a call would have received it; a chunk without samples means silence.

        Raises:
            AudioError: after all that could be replayed: part of a file is missing, damaged or encrypted.
        """
        lines = {
            key: Line(name, sender, self._origin_s)
            for name, (key, sender) in zip(self._names, self._senders.items(), strict=True)
        }
        busy: dict[Key, Line] = {}
        """Lines that hold packets."""
        tick = 0
        for key, recorded in merged(self._dumps):
            if (line := lines.get(key)) is None:
                continue
            # Wall clocks are sometimes set back; a call's clock never is. Each line has its own clock: a recording of
            # audio that was sent faster than real time has one participant after the other.
            line.now_s = max(line.now_s, recorded.now_s - self._origin_s)
            self.position_s = now_s = max(self.position_s, line.now_s)
            while busy and tick * _TICK_S <= now_s:
                yield from _take(busy, tick * _TICK_S)
                tick += 1
            tick = int(now_s / _TICK_S) + 1
            yield from line.put(recorded)
            if line.waiting:
                busy[key] = line
        for line in lines.values():
            yield from line.flush()
        if told := [*self._unheard, *self._damage()]:
            raise AudioError(f"{self._name} {'; it '.join(told)}")

    def _damage(self) -> Iterator[str]:
        for dump in self._dumps:
            yield from dump.problems


def _take(busy: dict[Key, Line], now_s: float) -> Iterator[ParticipantChunk]:
    """Yield the chunks that are due; keep only lines that still wait for a packet in ``busy``."""
    for key, line in list(busy.items()):
        yield from line.take(now_s)
        if not line.waiting:
            del busy[key]
