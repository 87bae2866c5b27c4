"""FFmpeg's decoders of linear PCM, G.711 and G.722, each replaced if it fails: the next packet is heard."""

from typing import Final

import av

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
    "g722": "g722",
}
_LAYOUTS: Final = {1: "mono", 2: "stereo"}
_G722_HZ: Final = 16_000
"""Rate of G.722's sound. Its RTP clock runs at 8 kHz (RFC 3551, 4.5.2), and senders may announce that instead."""


class PcmDecoder:
    """Decodes the packets of one source, in order."""

    def __init__(self, encoding: str, rate_hz: int, channels: int) -> None:
        """``encoding`` in any usual spelling: ``PCM16``, ``audio/x-mulaw``, ``PCM16_8KHZ`` …

        Raises:
            AudioError: the encoding is unknown.
        """
        name = encoding.lower().removeprefix("audio/").removeprefix("x-").partition("_")[0].partition(";")[0]
        if name not in _CODECS:
            known = "opus, red, " + ", ".join(_CODECS)
            raise AudioError(f"audio is announced as {encoding[:40]!r}, which is not supported; send one of {known}")
        self._codec = _CODECS[name]
        self._layout = _LAYOUTS[channels]
        self.rate_hz = _G722_HZ if name == "g722" else rate_hz
        """Samples per second of the decoded sound."""
        self._decoder = self._new()

    def decode(self, payload: bytes) -> list[av.AudioFrame]:
        """Return the samples of one packet as frames; a packet without payload has none.

        Raises:
            AudioError: the payload is not a whole number of samples; the next packet can be decoded.
        """
        if not payload:  # to FFmpeg this is the end of the stream: it would refuse all later packets
            return []
        try:
            return self._decoder.decode(av.Packet(payload))
        except av.FFmpegError as error:
            self._decoder = self._new()
            raise AudioError(f"a packet cannot be decoded ({error}); check the announced encoding") from error

    def _new(self) -> av.AudioCodecContext:
        decoder = av.CodecContext.create(self._codec, "r")
        assert isinstance(decoder, av.AudioCodecContext)
        decoder.sample_rate, decoder.layout = self.rate_hz, self._layout
        return decoder
