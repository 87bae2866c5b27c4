"""One sender's Opus packets to 16 kHz mono samples with their media time, whatever the network did to them.

The one packet path: for peer connections, for bridges that export packets, and for recorded ones.
"""

from collections.abc import Iterator
from typing import Final

from ser_track.errors import AudioError
from ser_track.ingest.jitter_buffer import Hole, Item, JitterBuffer, Packet, PacketCounts
from ser_track.ingest.libopus import RTP_PER_SAMPLE, OpusDecoder, carries_previous, packet_length
from ser_track.types import SAMPLE_RATE_HZ, FloatArray

_MOST_CONCEALED: Final = 120 * SAMPLE_RATE_HZ // 1000
"""Samples: what libopus makes up has faded to nothing by then. A longer hole is silence, and marked as such."""
_GRID: Final = SAMPLE_RATE_HZ // 400  # concealment comes in steps of 2.5 ms
_USUAL_LENGTH: Final = 960  # 20 ms


class PacketStream:
    """Synchronous, and without a clock: `put` packets as they arrive, `take` the samples that are due.

    Time comes from RTP timestamps; 0 is the first packet. What a hole of up to 120 ms held is recovered from the packet
    after it where that carries it, else concealed; longer holes and DTX are left out: the next samples' index says how
    long they lasted. ``now`` is any clock in seconds that does not run backwards.
    """

    def __init__(self, counts: PacketCounts | None = None) -> None:
        """Make a stream; ``counts`` may be shared with others.

        Raises:
            AudioError: libopus is not there.
        """
        self.counts = PacketCounts() if counts is None else counts
        self._buffer = JitterBuffer(self.counts)
        self._decoder = OpusDecoder()
        self._origin: int | None = None
        """RTP time of the stream's sample 0."""
        self._end = 0
        self._length = _USUAL_LENGTH
        self._missing = 0
        """Packets in the hole before the next one."""

    @property
    def waiting(self) -> bool:
        """Whether packets are held behind a hole."""
        return bool(self._buffer)

    def put(self, ssrc: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Take in one packet as RTP has it; what has no payload is padding, and counts for the order alone."""
        self._buffer.put(ssrc, sequence, timestamp, payload, now)

    def take(self, now: float) -> Iterator[tuple[FloatArray, int]]:
        """Samples ``[n]`` that are due at ``now``, and the index of the first."""
        for item in self._buffer.take(now):
            yield from self._hear(item)

    def flush(self) -> Iterator[tuple[FloatArray, int]]:
        """All that is still held: nothing more will come."""
        for item in self._buffer.flush():
            yield from self._hear(item)

    def _hear(self, item: Item) -> Iterator[tuple[FloatArray, int]]:
        if isinstance(item, Hole):
            self._missing += item.packets
        elif isinstance(item, Packet):
            if item.payload:
                yield from self._decode(item)
        else:
            self._end += max(0, round(item.after_s * SAMPLE_RATE_HZ) - self._length // RTP_PER_SAMPLE)
            self._origin = None
            self._missing = 0
            self._decoder.reset()

    def _decode(self, packet: Packet) -> Iterator[tuple[FloatArray, int]]:
        if self._origin is None:
            self._origin = packet.timestamp - self._end * RTP_PER_SAMPLE
        at = (packet.timestamp - self._origin) // RTP_PER_SAMPLE
        if at > self._end:
            yield from self._fill(at, packet.payload)
        self._missing = 0
        try:
            samples = self._decoder.decode(packet.payload)
        except AudioError:
            self.counts.broken += 1
            self._missing = 1
            return
        self._length = packet_length(packet.payload)
        yield self._emit(samples, at)

    def _fill(self, at: int, following: bytes) -> Iterator[tuple[FloatArray, int]]:
        """What lies between the end of what was heard and a packet that begins at ``at``."""
        gap = at - self._end
        usual = self._length // RTP_PER_SAMPLE
        lost = min(gap, self._missing * usual) // _GRID * _GRID
        if lost > _MOST_CONCEALED:
            yield self._conceal(_MOST_CONCEALED)
            self._skip(at - self._end)
            return
        # More time than the missing packets held: the sender was silent (DTX); before the loss, as far as can be known.
        self._skip(gap - lost)
        if not lost:
            return
        last = min(lost, usual)
        if lost > last:
            yield self._conceal(lost - last)
        if (samples := self._recovered(following, last)) is None:
            yield self._conceal(last)
        else:
            self.counts.recovered += 1
            yield self._emit(samples, self._end)

    def _recovered(self, following: bytes, n: int) -> FloatArray | None:
        """What ``following`` carries of the packet before it; None if nothing, or nothing that can be decoded."""
        if not carries_previous(following):
            return None
        try:
            return self._decoder.recover(following, n)
        except AudioError:
            return None

    def _skip(self, n: int) -> None:
        self.counts.silent_samples += n
        self._end += n

    def _conceal(self, n: int) -> tuple[FloatArray, int]:
        self.counts.concealed_samples += n
        return self._emit(self._decoder.conceal(n), self._end)

    def _emit(self, samples: FloatArray, at: int) -> tuple[FloatArray, int]:
        self.counts.samples += len(samples)
        self._end = max(self._end, at + len(samples))
        return samples, at
