"""Turns one sender's Opus packets into 16 kHz mono samples with media time, despite loss and jitter.

The one packet path: for peer connections, for bridges that export packets, and for recorded ones.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.errors import AudioError
from ser_track.rtp.clock_rate import ClockRate
from ser_track.rtp.header import SILENT_LEVEL, Arrival
from ser_track.rtp.jitter_buffer import Hole, Item, JitterBuffer, PacketCounts, Restart
from ser_track.rtp.media_time import MediaTime
from ser_track.rtp.opus import RTP_PER_SAMPLE, OpusDecoder
from ser_track.rtp.opus_packet import carries_previous, packet_length
from ser_track.rtp.sequence import Packet

_MAX_CONCEALED: Final = 120 * SAMPLE_RATE_HZ // 1000
"""Samples after which libopus's concealment has faded out. A longer hole is silence, and marked as such."""
_GRID: Final = SAMPLE_RATE_HZ // 400  # concealment comes in steps of 2.5 ms
_USUAL_LENGTH: Final = 960  # 20 ms
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

    def __init__(
        self,
        counts: PacketCounts | None = None,
        failed: "OpusStream | None" = None,
        channel: int | None = None,
    ) -> None:
        """Make a stream; ``counts`` may be shared with others. It goes on in the time of one that ``failed``, if any.

        channel: of stereo, 0 or 1, that one alone.

        Raises:
            AudioError: libopus is not there.
        """
        self.counts = PacketCounts() if counts is None else counts
        self._buffer = JitterBuffer(self.counts)
        self._decoder = OpusDecoder(channel)
        self._clock = ClockRate()
        self._time: MediaTime = MediaTime() if failed is None else failed._time
        self._goes_on = failed is not None
        self._length = _USUAL_LENGTH
        self._missing = 0
        """Packets in the hole before the next one."""
        self._interrupted = False
        """Whether a packet without audio came before the next one, such as comfort noise or a key of a telephone."""
        self._made_up = 0
        """Consecutive concealed samples."""
        self._silent_samples = 0
        """Consecutive samples that the sender marked as silent."""
        self._unheard: bytes | None = None
        """The latest packet that was not decoded because it was silent."""

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
        self._time.note_arrival(arrival.now)
        if self._goes_on:
            self._goes_on = False
            self._leave_out(self._time.begin_anew(arrival.now))
        self._buffer.put(self._clock.at_48_khz(arrival))

    def put_all(self, arrivals: Sequence[Arrival]) -> None:
        """Take in packets in the order in which they arrived, as `put` would, but usually much faster."""
        usual = 0
        if arrivals and not self._goes_on and self._clock.passes_run(arrivals[0].ssrc):
            usual = self._buffer.put_run(arrivals)
            if usual:
                self._clock.note_last(arrivals[usual - 1])
        for arrival in arrivals[usual:]:
            self.put(arrival)

    def take(self, now: float) -> list[Chunk]:
        """Return the samples due at ``now``. A chunk without samples means that the sender was silent up to it."""
        return self._hear(self._buffer.take(now))

    def arrived_s(self, at: int) -> float | None:
        """Return when sample ``at`` arrived, by the fastest recent packet; ``None`` before the first."""
        passed_s = self._time.passed_s(at)
        return None if passed_s is None else self._buffer.least_transit_s + passed_s

    def flush(self) -> list[Chunk]:
        """Return everything that is still held: no more packets will arrive."""
        return self._hear(self._buffer.flush())

    def _hear(self, items: Iterable[Item]) -> list[Chunk]:
        heard: list[Chunk] = []
        for item in items:
            if isinstance(item, Packet):
                if item.payload:
                    heard += self._decode(item)
                else:
                    self._interrupted = True
            elif isinstance(item, Hole):
                self._missing += item.packets
            else:
                self._begin_anew(item)
        return heard

    def _begin_anew(self, restart: Restart) -> None:
        """Follow a new clock, and a new encoder. The time of arrival gives the place of its first sample."""
        left_out = self._time.begin_anew(restart.now)
        if restart.paused:
            self._skip(left_out)
        else:
            self._leave_out(left_out)
            self._decoder.reset()
        self._missing = self._made_up = self._silent_samples = 0
        self._unheard = None

    def _decode(self, packet: Packet) -> Iterator[Chunk]:
        length = packet_length(packet.payload)
        at = self._time.place(packet.timestamp, length // RTP_PER_SAMPLE, self._missing * self._usual(length))
        if 0 < length <= (self._time.end - at) * RTP_PER_SAMPLE:  # its time has passed
            return
        if at > self._time.end:
            yield from self._fill(at, packet.payload, length)
        self._missing, self._interrupted = 0, False
        silent = packet.level == SILENT_LEVEL or len(packet.payload) <= _DTX_BYTES
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
        gap = at - self._time.end
        lost = min(gap, self._missing * self._usual(length)) // _GRID * _GRID
        if lost > _MAX_CONCEALED - self._made_up:
            if (n := _MAX_CONCEALED - self._made_up) > 0:
                yield self._conceal(n)
            self._leave_out(at - self._time.end)
            return
        # If more time passed than the missing packets hold, the sender was silent (DTX), presumably before the loss.
        if self._interrupted and (faded := min(gap - lost, _MAX_CONCEALED - self._made_up) // _GRID * _GRID):
            yield self._conceal(faded)  # else a word would break off there, and its rest would sound in the next packet
        self._skip(at - lost - self._time.end)
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
            yield self._emit(self._time.end, samples)

    def _usual(self, length: int) -> int:
        """Samples in a missing packet: their length is unknown, so assume that of the packet before or after them."""
        return max(self._length, length) // RTP_PER_SAMPLE

    def _recovered(self, following: bytes, n: int) -> FloatArray | None:
        """Return the packet before ``following`` from its copy there; ``None`` if it cannot be decoded."""
        try:
            return self._decoder.recover(following, n)
        except AudioError:
            return None

    def _silence(self, until: int) -> Iterator[Chunk]:
        """Mark silence: a chunk without samples at the index that was reached."""
        if until > self._time.end:
            self._skip(until - self._time.end)
            yield Chunk(self._time.end, _NOTHING)

    def _leave_out(self, n: int) -> None:
        self.counts.missing_samples += n
        self._time.end += n

    def _skip(self, n: int) -> None:
        self.counts.silent_samples += n
        self._time.end += n

    def _conceal(self, n: int) -> Chunk:
        self.counts.concealed_samples += n
        self._made_up += n
        return self._emit(self._time.end, self._decoder.conceal(n))

    def _emit(self, at: int, samples: FloatArray) -> Chunk:
        self.counts.samples += len(samples)
        self._time.end = max(self._time.end, at + len(samples))
        return Chunk(at, samples)
