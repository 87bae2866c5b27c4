"""Decodes telephone codecs (linear PCM, G.711, G.722) to 16 kHz mono, for MediaJson senders without Opus."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from ser_track.audio.frames import FrameConverter
from ser_track.chunk import Chunk
from ser_track.rtp.pcm_decoder import PcmDecoder

_MAX_SKIPPED: Final = 500
"""Packets; a counter that jumps farther has restarted."""


class PcmStream:
    """Decodes one source. Packets whose numbers are missing are gaps, each as long as the packet before."""

    def __init__(self, encoding: str, rate_hz: int, channels: int) -> None:
        """``encoding`` in any usual spelling: ``PCM16``, ``audio/x-mulaw``, ``PCM16_8KHZ`` …

        Raises:
            AudioError: the encoding is unknown.
        """
        self._decoder = PcmDecoder(encoding, rate_hz, channels)
        self._converter = FrameConverter()
        self._end = 0
        self._next: int | None = None

    def decode(self, number: int, payload: bytes) -> Iterator[Chunk]:
        """Yield the samples that packet ``number`` completes; a packet without payload counts as missing.

        Raises:
            AudioError: the payload is not a whole number of samples.
        """
        rate_hz = self._decoder.rate_hz
        for frame in self._decoder.decode(payload):
            if self._next is not None and 0 < number - self._next <= _MAX_SKIPPED:
                self._end += (number - self._next) * frame.samples
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, self._end, Fraction(1, rate_hz)
            self._end += frame.samples
            self._next = number + 1
            yield from self._converter.convert(frame)
