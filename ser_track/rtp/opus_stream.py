"""Turns one sender's Opus packets into 16 kHz mono samples with media time, despite loss and jitter.

The one packet path: for peer connections, for bridges that export packets, and for recorded ones.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.errors import AudioError
from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.jitter_buffer import Hole, Item, JitterBuffer, PacketCounts
from ser_track.rtp.opus import RTP_PER_SAMPLE, OpusDecoder, carries_previous, packet_length
from ser_track.rtp.sequence import MAX_AHEAD_S, Packet

_MAX_CONCEALED: Final = 120 * SAMPLE_RATE_HZ // 1000
"""Samples after which libopus's concealment has faded out. A longer hole is silence, and marked as such."""
_GRID: Final = SAMPLE_RATE_HZ // 400  # concealment comes in steps of 2.5 ms
_USUAL_LENGTH: Final = 960  # 20 ms
_SEAM: Final = SAMPLE_RATE_HZ // 10
_DTX_BYTES: Final = 2
"""A packet this short contains no sound: the sender's encoder found none (RFC 6716, 3.1 and 2.1.9)."""
_HANGOVER: Final = SAMPLE_RATE_HZ // 2
"""Silence is decoded for this long before it is left out, so that the voice detector gets the end of the word."""
_NOTHING: Final = np.empty(0, np.float32)


class OpusStream:
    """Synchronous, and without a clock: `put` packets as they arrive, `take` the samples that are due.

    Time comes from RTP timestamps; 0 is the first packet. A hole of up to 120 ms is recovered from the next packet if
    that carries a copy, else concealed. Longer holes and DTX are left out: the index of the next samples tells how
    long they lasted. ``now`` is any clock in seconds that does not run backwards.
    """

    def __init__(self, counts: PacketCounts | None = None, channel: int | None = None) -> None:
        """Make a stream; ``counts`` may be shared with others. A ``channel``, 0 or 1, of stereo is heard alone.

        Raises:
            AudioError: libopus is not there.
        """
        self.counts = PacketCounts() if counts is None else counts
        self._buffer = JitterBuffer(self.counts)
        self._decoder = OpusDecoder(channel)
        self._origin: int | None = None
        """RTP time of the stream's sample 0, by this source's clock."""
        self._start = 0
        """Index of this source's first sample in the stream."""
        self._end = 0
        self._length = _USUAL_LENGTH
        self._missing = 0
        """Packets in the hole before the next one."""
        self._made_up = 0
        """Consecutive concealed samples."""
        self._silent_samples = 0
        """Consecutive samples that the sender marked as silent."""
        self._unheard: bytes | None = None
        """The latest packet that was not decoded because it was silent."""
        self._began_at: float | None = None
        """Arrival time of the first packet."""

    @property
    def waiting(self) -> bool:
        """Whether packets are held behind a hole."""
        return bool(self._buffer)

    @property
    def mixer(self) -> ChannelMixer:
        """What mixes the channels of stereo packets."""
        return self._decoder.mixer

    def put(self, arrival: Arrival) -> None:
        """Take in one packet; a packet without payload is padding, and counts only for the order."""
        if self._began_at is None:
            self._began_at = arrival.now
        self._buffer.put(arrival)

    def take(self, now: float) -> list[Chunk]:
        """Return the samples due at ``now``. A chunk without samples means that the sender was silent up to it."""
        return self._hear(self._buffer.take(now))

    def arrived_s(self, at: int) -> float | None:
        """Return when sample ``at`` arrived, by the fastest recent packet; ``None`` before the first."""
        if self._origin is None:
            return None
        return self._buffer.least_transit_s + (self._origin + at * RTP_PER_SAMPLE) / RTP_CLOCK_HZ

    def flush(self) -> list[Chunk]:
        """Return everything that is still held: no more packets will arrive."""
        return self._hear(self._buffer.flush())

    def _hear(self, items: Iterable[Item]) -> list[Chunk]:
        heard: list[Chunk] = []
        for item in items:
            if isinstance(item, Packet):
                if item.payload:
                    heard += self._decode(item)
            elif isinstance(item, Hole):
                self._missing += item.packets
            else:
                self._begin_anew(item.now)
        return heard

    def _begin_anew(self, now: float) -> None:
        """Follow a new encoder and clock. The time since the stream began gives the place of its first sample."""
        began_at = now if self._began_at is None else self._began_at
        passed = round((now - began_at) * SAMPLE_RATE_HZ)
        if passed - self._end > _SEAM:  # else the difference is jitter
            self._leave_out(passed - self._end)
        # A sender that restarts repeatedly, each time far ahead, is not followed: its audio counts as past.
        self._start = min(self._end, passed + round(MAX_AHEAD_S * SAMPLE_RATE_HZ))
        self._origin = None
        self._missing = self._made_up = self._silent_samples = 0
        self._unheard = None
        self._decoder.reset()

    def _decode(self, packet: Packet) -> Iterator[Chunk]:
        if self._origin is None:
            self._origin = packet.timestamp - self._start * RTP_PER_SAMPLE
        at = (packet.timestamp - self._origin) // RTP_PER_SAMPLE
        length = packet_length(packet.payload)
        if 0 < length <= (self._end - at) * RTP_PER_SAMPLE:  # its time has passed
            return
        if at > self._end:
            yield from self._fill(at, packet.payload, length)
        self._missing = 0
        silent = packet.silent or len(packet.payload) <= _DTX_BYTES
        if silent and self._silent_samples >= _HANGOVER:
            self._unheard = packet.payload
            yield from self._silence(at + length // RTP_PER_SAMPLE)
            return
        samples = self._decoded(packet.payload)
        if samples is not None:
            self._length, self._made_up = length, 0
            self._silent_samples = self._silent_samples + len(samples) if silent else 0
            yield self._emit(at, samples)

    def _decoded(self, payload: bytes) -> FloatArray | None:
        if self._unheard is not None:  # decoded first: else the decoder would continue from before the silence
            led_up, self._unheard = self._unheard, None
            with contextlib.suppress(AudioError):
                self._decoder.decode(led_up)
        try:
            return self._decoder.decode(payload)
        except AudioError:
            self.counts.broken += 1
            self._missing = 1
            return None

    def _fill(self, at: int, following: bytes, length: int) -> Iterator[Chunk]:
        """Fill the time between the end of the decoded audio and the packet ``following``, which begins at ``at``."""
        gap = at - self._end
        # The length of the missing packets is unknown: assume that of the packet before them, or after them.
        usual = max(self._length, length) // RTP_PER_SAMPLE
        lost = min(gap, self._missing * usual) // _GRID * _GRID
        if lost > _MAX_CONCEALED - self._made_up:
            if (n := _MAX_CONCEALED - self._made_up) > 0:
                yield self._conceal(n)
            self._leave_out(at - self._end)
            return
        # If more time passed than the missing packets hold, the sender was silent (DTX), presumably before the loss.
        self._skip(gap - lost)
        if not lost:
            return
        # The copy is one packet, as long as its carrier.
        last = length // RTP_PER_SAMPLE
        if not 0 < last <= lost or not carries_previous(following):
            yield self._conceal(lost)
            return
        if lost > last:
            yield self._conceal(lost - last)
        if (samples := self._recovered(following, last)) is None:
            yield self._conceal(last)
        else:
            self.counts.recovered += 1
            yield self._emit(self._end, samples)

    def _recovered(self, following: bytes, n: int) -> FloatArray | None:
        """Return the packet before ``following`` from its copy there; ``None`` if it cannot be decoded."""
        try:
            return self._decoder.recover(following, n)
        except AudioError:
            return None

    def _silence(self, until: int) -> Iterator[Chunk]:
        """Mark silence: a chunk without samples at the index that was reached."""
        if until > self._end:
            self._skip(until - self._end)
            yield Chunk(self._end, _NOTHING)

    def _leave_out(self, n: int) -> None:
        self.counts.missing_samples += n
        self._end += n

    def _skip(self, n: int) -> None:
        self.counts.silent_samples += n
        self._end += n

    def _conceal(self, n: int) -> Chunk:
        self.counts.concealed_samples += n
        self._made_up += n
        return self._emit(self._end, self._decoder.conceal(n))

    def _emit(self, at: int, samples: FloatArray) -> Chunk:
        self.counts.samples += len(samples)
        self._end = max(self._end, at + len(samples))
        return Chunk(at, samples)
