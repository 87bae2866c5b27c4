"""Recorded packets as a recording: through the packet path of a call, at the times at which they came then."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.packets.find_senders import Sender, find_senders
from ser_track.recordings.packets.merge import Key, merged
from ser_track.recordings.tracks import unique_names
from ser_track.rtp.opus_stream import OpusStream
from ser_track.rtp.packet_reader import PacketReader, Recorded, RecordedPacket

_TICK_S: Final = 0.032
"""How often a call looks at what came (``runtime.tick_s``)."""


class PacketRecording:
    """One or several files of packets, in one time: 0 is the first packet of all."""

    def __init__(self, name: str, dumps: Sequence[PacketReader], payload_type: int | None = None) -> None:
        """Read ``dumps`` once, to find who speaks; ``name`` is theirs in errors. ``payload_type`` is RTP's for Opus.

        Raises:
            AudioError: nobody sends Opus in them.
        """
        self._name = name
        self._dumps = dumps
        found = find_senders(dumps, payload_type)
        self._senders, self._unheard = found.senders, found.problems
        if not self._senders:
            raise AudioError(f"{name} {'; it '.join([*self._unheard, *self._damage()])}")
        self._origin_s = min(sender.first_s for sender in self._senders.values())
        self._names = unique_names(sender.name for sender in self._senders.values())
        self.position_s = 0.0
        """How far replaying has come."""

    @property
    def participants(self) -> tuple[str, ...]:
        """Names, each once: file by file, in the order in which they came."""
        return tuple(self._names)

    @property
    def duration_s(self) -> float | None:
        """From the first packet to the last."""
        return max(sender.last_s for sender in self._senders.values()) - self._origin_s

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """What a call would have heard of each participant; no samples at an index say: silence up to there.

        Raises:
            AudioError: after all that could be replayed: part of a file is missing, damaged or encrypted.
        """
        lines = {
            key: _Line(name, sender, self._origin_s)
            for name, (key, sender) in zip(self._names, self._senders.items(), strict=True)
        }
        busy: dict[Key, _Line] = {}
        """Lines that hold something."""
        tick = 0
        for key, recorded in merged(self._dumps):
            if (line := lines.get(key)) is None or not line.sender.sends(recorded):
                continue
            # Clocks are set back now and then; that of a call never is. Each line has its own: a recording of what was
            # sent faster than it was spoken has one participant after the other.
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
        if problems := [*self._unheard, *self._damage()]:
            raise AudioError(f"{self._name} {'; it '.join(problems)}")

    def _damage(self) -> Iterator[str]:
        for dump in self._dumps:
            yield from dump.problems


class _Line:
    """One participant's packets, and where their first sample lies."""

    def __init__(self, participant: str, sender: Sender, origin_s: float) -> None:
        self.sender = sender
        self.now_s = 0.0
        """When its latest packet came."""
        self._stream: OpusStream | None = None
        """Of those who send Opus: there may be no libopus for it."""
        self._participant = participant
        # By whole windows, so that the voice detector cuts the stream where it did in the call.
        self._offset = round((sender.first_s - origin_s) * SAMPLE_RATE_HZ / WINDOW_SAMPLES) * WINDOW_SAMPLES

    @property
    def waiting(self) -> bool:
        """Whether packets are held."""
        return self._stream is not None and self._stream.waiting

    def put(self, recorded: Recorded) -> Iterator[ParticipantChunk]:
        """Take in a packet; what needs no packet path comes out at once."""
        if not isinstance(recorded, RecordedPacket):
            yield from self._shifted([recorded.chunk])
            return
        self._stream = self._stream or OpusStream()
        self._stream.put(recorded.arrival._replace(now=self.now_s))

    def take(self, now_s: float) -> Iterator[ParticipantChunk]:
        """What is due."""
        if self._stream is not None:
            yield from self._shifted(self._stream.take(now_s))

    def flush(self) -> Iterator[ParticipantChunk]:
        """All that is still held."""
        if self._stream is not None:
            yield from self._shifted(self._stream.flush())

    def _shifted(self, heard: Iterable[Chunk]) -> Iterator[ParticipantChunk]:
        """In the recording's time."""
        for chunk in heard:
            at, samples = self._offset + chunk.at, chunk.samples
            if not len(samples) or at + len(samples) > 0:
                yield ParticipantChunk(self._participant, Chunk(max(0, at), samples[max(0, -at) :]))


def _take(busy: dict[Key, _Line], now_s: float) -> Iterator[ParticipantChunk]:
    """What is due; afterwards only lines that still wait for a packet are busy."""
    for key, line in list(busy.items()):
        yield from line.take(now_s)
        if not line.waiting:
            del busy[key]
