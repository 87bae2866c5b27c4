"""Converts one MediaJson source, from a live bridge or a dump, for the packet path and the engine."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ser_track.audio.pcm import to_float
from ser_track.chunk import Chunk
from ser_track.errors import AudioError
from ser_track.mediajson.frames import Media, SourceStarted
from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival
from ser_track.rtp.pcm_stream import PcmStream
from ser_track.rtp.red import RedUnpacker, unpack

_OPUS: Final = ("opus", "red")
_FULL_SCALE: Final = 1 << 23
_SAMPLE_BYTES: Final = 3
_MAX_TIME_SAMPLES: Final = 1 << 40
"""Two years: later media times are damage."""


class MediaSource:
    """Turns Opus, in RED too, into packets numbered as in RTP, and PCM, G.711 and G.722 into chunks at 16 kHz."""

    def __init__(self, started: SourceStarted, number: int) -> None:
        """``number`` is new for each source; it stands for the SSRC, which MediaJson does not carry.

        Raises:
            AudioError: the source's encoding is not known.
        """
        self._number = number
        self._ticks = RTP_CLOCK_HZ // started.rate_hz or 1
        self._media_time = started.media_time
        self._unpack = unpack if started.encoding == "red" else RedUnpacker().unpack
        decodes = started.encoding not in _OPUS and not self._media_time
        self._pcm = PcmStream(started.encoding, started.rate_hz, started.channels) if decodes else None

    def read(self, media: Media, now: float) -> Iterator[Arrival | Chunk]:
        """Return the content of one packet; ``now`` is its arrival time in seconds, by the reader's clock.

        Raises:
            AudioError: the packet cannot be decoded, or its media time is impossible.
        """
        if self._pcm is not None:
            yield from self._pcm.decode(media.chunk, media.payload)
        elif self._media_time:
            yield _decoded(media)
        else:
            numbers = media.chunk & 0xFFFF, media.timestamp * self._ticks & 0xFFFFFFFF
            arrival = Arrival(self._number, *numbers, media.payload, now, media.audio_level, media.redundant)
            yield from [arrival] if media.redundant else self._unpack(arrival)


def encode_decoded(chunk: Chunk) -> bytes:
    """Return the payload that `MediaSource` reads back as ``chunk``, rounded to 24 bits.

    16 bits are not enough: in 8 kHz audio their noise is all that is above 4 kHz, and the classifier reacts to it.
    """
    levels = np.clip(np.rint(chunk.samples.astype(np.float64) * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return levels.astype(">i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def _decoded(media: Media) -> Chunk:
    if len(media.payload) % _SAMPLE_BYTES or not -_MAX_TIME_SAMPLES < media.timestamp < _MAX_TIME_SAMPLES:
        raise AudioError("a packet of decoded audio is damaged: part of a sample, or an impossible media time")
    levels = np.zeros((len(media.payload) // _SAMPLE_BYTES, 4), np.uint8)
    levels[:, :_SAMPLE_BYTES] = np.frombuffer(media.payload, np.uint8).reshape(-1, _SAMPLE_BYTES)
    return Chunk(media.timestamp, to_float(levels.view(">i4")[:, 0]))
