"""Packets of a telephone's codecs (linear PCM, G.711) to 16 kHz mono: for senders of MediaJson that have no Opus."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av

from ser_track.audio.frames import FrameConverter
from ser_track.chunk import Chunk
from ser_track.errors import AudioError

_CODECS: Final = {
    "pcm16": "pcm_s16le",
    "l16": "pcm_s16be",  # RFC 3551, 4.5.11: network byte order
    "l24": "pcm_s24be",  # RFC 3190, 4
    "ulaw": "pcm_mulaw",
    "pcmu": "pcm_mulaw",
    "mulaw": "pcm_mulaw",
    "alaw": "pcm_alaw",
    "pcma": "pcm_alaw",
}
_LAYOUTS: Final = {1: "mono", 2: "stereo"}
_MAX_SKIPPED: Final = 500
"""Packets; a counter that jumps farther has begun anew."""


class PcmStream:
    """Decodes one source; lost packets, which their numbers tell of, are gaps as long as those before them."""

    def __init__(self, encoding: str, rate_hz: int, channels: int) -> None:
        """``encoding`` in any usual spelling: ``PCM16``, ``audio/x-mulaw``, ``PCM16_8KHZ`` …

        Raises:
            AudioError: it is none of those that are known.
        """
        name = encoding.lower().removeprefix("audio/").removeprefix("x-").partition("_")[0].partition(";")[0]
        if name not in _CODECS:
            known = "opus, " + ", ".join(_CODECS)
            raise AudioError(f"audio is announced as {encoding[:40]!r}, which is not known here; send one of {known}")
        decoder = av.CodecContext.create(_CODECS[name], "r")
        assert isinstance(decoder, av.AudioCodecContext)
        decoder.sample_rate, decoder.layout = rate_hz, _LAYOUTS[channels]
        self._decoder: av.AudioCodecContext = decoder
        self._rate_hz = rate_hz
        self._converter = FrameConverter()
        self._end = 0
        self._next: int | None = None

    def decode(self, number: int, payload: bytes) -> Iterator[Chunk]:
        """What packet ``number`` completes.

        Raises:
            AudioError: the payload is no whole number of samples.
        """
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError as error:
            raise AudioError(f"a packet cannot be decoded ({error}); check the announced encoding") from error
        for frame in frames:
            if self._next is not None and 0 < number - self._next <= _MAX_SKIPPED:
                self._end += (number - self._next) * frame.samples
            frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, self._end, Fraction(1, self._rate_hz)
            self._end += frame.samples
            yield from self._converter.convert(frame)
        self._next = number + 1
