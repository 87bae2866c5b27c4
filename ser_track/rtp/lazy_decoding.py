"""Decides which packets of one sender are decoded: not silence, and not what is too quiet for a voice.

Senders mark silence themselves (DTX, -127 dBov). How loud the rest is, they say in a header extension (RFC 6464), and
`LevelGate` decides by it. Packets that are not decoded are kept for a while: when a voice comes, what led up to it is
decoded at once. Some of them are decoded only to check the level that the sender gives.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk
from ser_track.rtp.header import SILENT_LEVEL
from ser_track.rtp.level_check import LevelCheck
from ser_track.rtp.level_gate import LevelGate
from ser_track.rtp.media_time import MediaTime
from ser_track.rtp.opus import RTP_PER_SAMPLE
from ser_track.rtp.opus_playout import OpusPlayout
from ser_track.rtp.packet_counts import PacketCounts
from ser_track.rtp.undecoded import PlacedPacket, UndecodedPackets

_DTX_BYTES: Final = 2
"""A packet this short contains no sound: the sender's encoder found none (RFC 6716, 3.1 and 2.1.9)."""
_HANGOVER: Final = SAMPLE_RATE_HZ // 2
"""Silence is decoded for this long before it is left out, so that the voice detector gets the end of the word."""
_CHECKED: Final = 3
"""Packets that show whether levels are right: the last one, and those that the decoder needs before it."""
_NOTHING: Final = np.empty(0, np.float32)


class LazyDecoding:
    """One stream; give it each packet once it has its place in media time."""

    def __init__(self, playout: OpusPlayout, time: MediaTime, counts: PacketCounts, by_level: bool) -> None:
        """``by_level``: whether the sender's levels may decide. Silence that it marks is left out in any case."""
        self._playout = playout
        self._time = time
        self._counts = counts
        self._gate = LevelGate() if by_level else None
        self._check = LevelCheck()
        self._believed_from = 0
        """Index from which the sender's levels are believed."""
        self._undecoded = UndecodedPackets(counts)
        self._silent_until = 0
        """Index up to which nobody speaks."""
        self._marked = 0
        """The part of that which `silence` has returned."""
        self._silent_samples = 0
        """Consecutive samples that the sender marked as silent."""
        self._unheard: deque[PlacedPacket] = deque(maxlen=_CHECKED)
        """The latest packets that were not decoded because they were silent."""

    def hear(self, packet: PlacedPacket) -> Iterable[Chunk]:
        """Return what is heard now; `silence` is to be asked afterwards."""
        gate = self._gate
        return self._hear(packet, gate is None or gate.hears(packet.level, packet.samples * RTP_PER_SAMPLE))

    def hear_run(self, packets: Sequence[PlacedPacket]) -> Iterable[Chunk]:
        """Do the same for mono packets that follow each other, and all that was heard, without a hole."""
        opened = self._opened(packets)
        if any(map(self._is_silent, packets)) or any(opened) != all(opened):
            return self._hear_each(packets, opened)
        if not opened[0]:
            return self._keep(packets)
        if self._undecoded or self._unheard:
            return self._hear_each(packets, opened)
        return self._play_run(packets, opened)

    def _play_run(self, packets: Sequence[PlacedPacket], opened: Sequence[bool]) -> Iterator[Chunk]:
        samples = packets[-1].end - packets[0].at
        heard, done = self._playout.decode_run([each.payload for each in packets], samples, packets[-1].samples)
        if done:
            self._silent_samples = 0
            yield self._playout.emit(packets[0].at, heard)
        yield from self._hear_each(packets[done:], opened[done:])

    def _hear_each(self, packets: Sequence[PlacedPacket], opened: Sequence[bool]) -> Iterator[Chunk]:
        for place, (packet, is_open) in enumerate(zip(packets, opened, strict=True)):
            lost, believed_from = self._playout.missing_samples(packet.samples), self._believed_from
            self._playout.missing = 0
            is_open = is_open or packet.at < believed_from
            yield from self._hear(packet._replace(lost=lost) if lost else packet, is_open)
            if self._gate is not None and self._believed_from > believed_from:
                self._gate.pass_open(sum(each.samples for each in packets[place + 1 :]) * RTP_PER_SAMPLE)

    def _hear(self, packet: PlacedPacket, is_open: bool) -> Iterable[Chunk]:
        if is_open:
            return self._play(packet)
        if not packet.samples:
            self._playout.note_broken()
            return ()
        if self._is_silent(packet):
            self._pass_silence(packet)
            return ()
        return self._keep((packet,))

    def _opened(self, packets: Sequence[PlacedPacket]) -> list[bool]:
        """Whether each packet is heard."""
        gate = self._gate
        if gate is None:
            return [True] * len(packets)
        if all(packet.level is None for packet in packets):  # the gate needs to know it only once
            return [gate.hears(None, 0)] * len(packets)
        return [gate.hears(packet.level, packet.samples * RTP_PER_SAMPLE) for packet in packets]

    def silence(self) -> Iterable[Chunk]:
        """Mark silence, if more of it has passed: a chunk without samples at the index up to which nobody speaks."""
        if self._silent_until <= self._marked:
            return ()
        self._marked = self._silent_until
        return (Chunk(self._marked, _NOTHING),)

    def begin_anew(self, another_encoder: bool) -> None:
        """Continue after a cut in time; what is kept from before it is dropped."""
        self._undecoded.drop()
        self._unheard.clear()
        self._silent_samples = 0
        self._playout.begin_anew(another_encoder)
        if another_encoder and self._gate is not None:
            self._gate, self._check, self._believed_from = LevelGate(), LevelCheck(), 0

    def flush(self) -> None:
        """Drop what is kept: no more packets will arrive."""
        if self._undecoded:
            self._undecoded.drop()
            self._silent_until = self._time.end

    def _is_silent(self, packet: PlacedPacket) -> bool:
        muted = packet.level == SILENT_LEVEL and packet.at >= self._believed_from
        return muted or len(packet.payload) <= _DTX_BYTES

    def _play(self, packet: PlacedPacket) -> Iterator[Chunk]:
        """Decode a packet, and what led up to it."""
        if self._undecoded:
            yield from self._catch_up(packet.at)
        if packet.at > self._time.end:
            yield from self._playout.fill(packet)
        silent = self._is_silent(packet)
        if silent and self._silent_samples >= _HANGOVER:
            self._pass_silence(packet)
            return
        if self._unheard:  # decoded first: else the decoder would continue from before the silence
            self._playout.warm_up((self._unheard.pop().payload,))
            self._unheard.clear()
        samples = self._playout.decode(packet)
        if samples is not None:
            self._silent_samples = self._silent_samples + len(samples) if silent else 0
            yield self._playout.emit(packet.at, samples)

    def _catch_up(self, at: int) -> Iterator[Chunk]:
        """Decode what led up to a voice that shows itself at index ``at``."""
        warm_up, heard = self._undecoded.take(at)
        if not heard:
            return
        self._playout.warm_up(each.payload for each in (*self._unheard, *warm_up))
        self._unheard.clear()
        self._playout.begin_anew(another_encoder=False)
        self._time.end = heard[0].at
        for packet in heard:
            yield from self._play(packet)

    def _keep(self, packets: Sequence[PlacedPacket]) -> Iterable[Chunk]:
        """Keep packets undecoded; what was kept for long enough is silence."""
        due = self._check.first_due(packets)
        now = packets if due is None else packets[: due + 1]
        end = self._time.end
        self._undecoded.keep(now, end)
        self._time.end = max(end, now[-1].end)
        self._silent_samples = 0
        if due is None:
            self._silent_until = self._undecoded.begin // WINDOW_SAMPLES * WINDOW_SAMPLES
            return ()
        later = packets[due + 1 :]
        if self._are_wrong(self._undecoded.latest()):
            if self._gate is not None:
                self._gate.pass_open(sum(packet.samples for packet in later) * RTP_PER_SAMPLE)
            return chain(self._catch_up(now[-1].end), *map(self._play, later))
        self._silent_until = self._undecoded.begin // WINDOW_SAMPLES * WINDOW_SAMPLES
        return self._keep(later) if later else ()

    def _pass_silence(self, packet: PlacedPacket) -> None:
        """Leave out a packet that the sender marks as silent."""
        self._undecoded.drop()
        self._unheard.append(packet)
        self._silent_samples = _HANGOVER
        if packet.end > self._time.end:
            self._playout.skip(packet.end - self._time.end)
            self._silent_until = self._time.end
        if self._gate is not None and self._check.first_due((packet,)) is not None:
            self._are_wrong([*self._unheard])

    def _are_wrong(self, latest: Sequence[PlacedPacket]) -> bool:
        """Whether the levels of the ``latest`` packets are not those of their audio; then they are not believed."""
        if len(latest) < _CHECKED or self._gate is None:
            return False
        samples = self._playout.warm_up(packet.payload for packet in latest)
        level = min((each.level for each in latest[-2:] if each.level is not None), default=0)
        distrust_s = 0.0 if samples is None else self._check.distrust_s(level, samples)
        if not distrust_s:
            return False
        self._counts.wrong_levels += 1
        self._gate.open_for(distrust_s)
        self._believed_from = latest[-1].end + round(distrust_s * SAMPLE_RATE_HZ)
        return True
