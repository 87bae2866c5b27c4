"""Decodes one sender's packets at their places in media time, and fills the time between them.

A hole of up to 120 ms is recovered from the next packet if that carries a copy, else concealed. Longer holes and DTX
are left out.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.errors import AudioError
from ser_track.rtp.media_time import MediaTime
from ser_track.rtp.opus import OpusDecoder
from ser_track.rtp.opus_packet import carries_previous
from ser_track.rtp.packet_counts import PacketCounts
from ser_track.rtp.undecoded import PlacedPacket

_MAX_CONCEALED: Final = 120 * SAMPLE_RATE_HZ // 1000
"""Samples after which libopus's concealment has faded out. A longer hole is silence, and marked as such."""
_GRID: Final = SAMPLE_RATE_HZ // 400  # concealment comes in steps of 2.5 ms
_USUAL_SAMPLES: Final = SAMPLE_RATE_HZ // 50


class OpusPlayout:
    """The decoder of one stream, with the counts of what became of its time."""

    def __init__(self, counts: PacketCounts, time: MediaTime, channel: int | None) -> None:
        """``channel``: of stereo, 0 or 1, that one alone.

        Raises:
            AudioError: libopus is not there.
        """
        self._counts = counts
        self._time = time
        self._decoder = OpusDecoder(channel)
        self.mixer = self._decoder.mixer
        """What mixes the channels of stereo packets."""
        self.missing = 0
        """Packets in the hole before the next one."""
        self._samples = _USUAL_SAMPLES
        """How long the latest packet was."""
        self._made_up = 0
        """Consecutive concealed samples."""

    def missing_samples(self, samples: int) -> int:
        """Return how long the hole before a packet of ``samples`` is; missing packets are as long as those around."""
        return self.missing and self.missing * max(self._samples, samples)

    def begin_anew(self, another_encoder: bool) -> None:
        """Continue after a cut in time."""
        self._made_up = 0
        if another_encoder:
            self._decoder.reset()

    def decode(self, packet: PlacedPacket) -> FloatArray | None:
        """Return the packet's samples; ``None`` if it is not Opus, which is counted."""
        try:
            samples = self._decoder.decode(packet.payload)
        except AudioError:
            self.note_broken()
            return None
        self._samples, self._made_up = packet.samples, 0
        return samples

    def decode_run(self, payloads: Sequence[bytes], samples: int, last: int) -> tuple[FloatArray, int]:
        """Return the samples of consecutive packets, and how many packets that are; see `OpusDecoder.decode_run`.

        They last ``samples`` together, the last one of them ``last``.
        """
        heard, count = self._decoder.decode_run(payloads, samples)
        if count:
            self._samples, self._made_up = last, 0
        return heard, count

    def note_broken(self) -> None:
        """Count a packet that is not Opus; it is missing."""
        self._counts.broken += 1
        self.missing = 1

    def warm_up(self, payloads: Iterable[bytes]) -> FloatArray | None:
        """Decode packets that nobody hears, so that the decoder follows; return the samples of the last one."""
        samples = None
        for payload in payloads:
            with contextlib.suppress(AudioError):
                samples = self._decoder.decode(payload)
        return samples

    def fill(self, packet: PlacedPacket) -> Iterator[Chunk]:
        """Fill the time between the end of what was heard and ``packet``."""
        gap = packet.at - self._time.end
        lost = min(gap, packet.lost) // _GRID * _GRID
        if lost > _MAX_CONCEALED - self._made_up:
            if (n := _MAX_CONCEALED - self._made_up) > 0:
                yield self._conceal(n)
            self.leave_out(packet.at - self._time.end)
            return
        # If more time passed than the missing packets hold, the sender was silent (DTX), presumably before the loss.
        if packet.interrupted and (faded := min(gap - lost, _MAX_CONCEALED - self._made_up) // _GRID * _GRID):
            yield self._conceal(faded)  # else a word would break off there, and its rest would sound in the next packet
        self.skip(packet.at - lost - self._time.end)
        if not lost:
            return
        # The copy is one packet, as long as its carrier.
        last = packet.samples
        if not 0 < last <= lost or not carries_previous(packet.payload):
            yield self._conceal(lost)
            return
        if lost > last:
            yield self._conceal(lost - last)
        if (samples := self._recovered(packet.payload, last)) is None:
            yield self._conceal(last)
        else:
            self._counts.recovered += 1
            yield self.emit(self._time.end, samples)

    def leave_out(self, n: int) -> None:
        """Let ``n`` samples pass that were lost."""
        self._counts.missing_samples += n
        self._time.end += n

    def skip(self, n: int) -> None:
        """Let ``n`` samples pass in which the sender was silent."""
        self._counts.silent_samples += n
        self._time.end += n

    def emit(self, at: int, samples: FloatArray) -> Chunk:
        """Return the samples that begin at index ``at``."""
        self._counts.samples += len(samples)
        self._time.end = max(self._time.end, at + len(samples))
        return Chunk(at, samples)

    def _conceal(self, n: int) -> Chunk:
        self._counts.concealed_samples += n
        self._made_up += n
        return self.emit(self._time.end, self._decoder.conceal(n))

    def _recovered(self, following: bytes, n: int) -> FloatArray | None:
        """Return the packet before ``following`` from its copy there; ``None`` if it cannot be decoded."""
        try:
            return self._decoder.recover(following, n)
        except AudioError:
            return None
