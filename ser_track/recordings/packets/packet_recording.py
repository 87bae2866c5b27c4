"""Replays recorded packets through the packet path of a call, at their original arrival times."""

from collections.abc import Iterator, Sequence
from typing import Final

from ser_track.chunk import ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.packets.find_senders import find_senders
from ser_track.recordings.packets.line import Line
from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.packets.unheard import problems
from ser_track.recordings.remarks import QuietTracks
from ser_track.recordings.tracks import channel_names, unique_names
from ser_track.rtp.packet_reader import PacketReader

_TICK_S: Final = 0.032
"""How often a call processes arrived packets (``runtime.tick_s``)."""
_MAX_HEARD: Final = 1_000
"""Each sender is a participant, with a decoder, buffers and a voice detector's state."""


class PacketRecording:
    """One or several files of packets on one time axis: 0 is the first packet of all."""

    def __init__(
        self, name: str, dumps: Sequence[PacketReader], payload_type: int | None = None, split: bool = False
    ) -> None:
        """Read ``dumps`` once to find the senders; errors call them ``name``. ``payload_type`` is RTP's for Opus.

        split: whether each channel of a sender of stereo Opus is a participant.

        Raises:
            AudioError: nobody sends audio that can be decoded in them, or too many do.
        """
        self._name = name
        self._dumps = dumps
        found = find_senders(dumps, payload_type)
        self._senders, self._unheard = found.heard, list(problems(found, payload_type))
        if not self._senders:
            raise AudioError(f"{name} {'; it '.join([*self._unheard, *self._damage()])}")
        self._origin_s = found.origin_s
        if len(self._senders) > _MAX_HEARD:
            remedy = f"capture or filter fewer of them, at most {_MAX_HEARD}"
            raise AudioError(f"{name} has {len(self._senders)} senders of audio; {remedy}")
        self._channels = {key: 2 if split and sender.stereo else 1 for key, sender in self._senders.items()}
        self._names = unique_names(
            name for key, sender in self._senders.items() for name in channel_names(sender.name, self._channels[key])
        )
        self._quiet = QuietTracks()
        self._mixed: list[str] = []
        """Remarks about stereo that was mixed."""
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

    @property
    def remarks(self) -> list[str]:
        """After iterating: what makes results poor, and the remedy; each continues a sentence after the file's name."""
        return [*self._mixed, *self._quiet.remarks()]

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Yield each participant's audio as a call would have received it; a chunk without samples means silence.

        Raises:
            AudioError: after all that could be replayed: part of a file is missing, damaged or encrypted.
        """
        for each in self._replayed():
            self._quiet.hear(*each)
            yield each
        if told := [*self._unheard, *self._damage()]:
            raise AudioError(f"{self._name} {'; it '.join(told)}")

    def _replayed(self) -> Iterator[ParticipantChunk]:
        lines = self._lines()
        busy: dict[str, Line] = {}
        """Lines that hold packets, by participant."""
        tick = 0
        for line, recorded in ((line, packet) for key, packet in merged(self._dumps) for line in lines.get(key, ())):
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
                busy[line.participant] = line
        for line in (line for each in lines.values() for line in each):
            yield from line.flush()
            if (remark := line.remark) is not None:
                self._mixed.append(remark)

    def _lines(self) -> dict[Key, list[Line]]:
        """Return a line for each participant: for each sender, or for each channel of it."""
        names = iter(self._names)
        return {
            key: [
                Line(next(names), sender, self._origin_s, channel if self._channels[key] > 1 else None)
                for channel in range(self._channels[key])
            ]
            for key, sender in self._senders.items()
        }

    def _damage(self) -> Iterator[str]:
        for dump in self._dumps:
            yield from dump.problems


def _take(busy: dict[str, Line], now_s: float) -> Iterator[ParticipantChunk]:
    """Yield the chunks that are due; keep only lines that still wait for a packet in ``busy``."""
    for participant, line in list(busy.items()):
        yield from line.take(now_s)
        if not line.waiting:
            del busy[participant]
