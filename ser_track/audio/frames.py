"""Converts decoded audio frames of any rate or layout, with or without gaps, to 16 kHz mono with media time."""

from collections.abc import Iterator
from typing import Final

import av
import numpy as np

from ser_track.audio.limits import require_usual
from ser_track.audio.mixing import ChannelMixer, average_channels
from ser_track.audio.pcm import require_finite, to_float
from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.errors import AudioError

_TOLERANCE_S: Final = 0.005
"""Timestamps that are off by less than 5 ms are rounding in the container, not a gap."""
_RESTART_S: Final = 1
"""A timestamp that falls back by more than this means a new clock: the stream continues where it was."""

FLOATS: Final = ("flt", "dbl")
"""Packed formats whose samples may not be finite numbers."""
_MOST_PLANES: Final = 7
"""PyAV 17 and 18 look for a zero after the last plane. FFmpeg has room for eight, so with eight or more there is none:
it reads on, and takes what it finds for planes."""
_DTYPES: Final = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}


class FrameConverter:
    """One track's frames in order; yields chunks at 16 kHz.

    Time comes from the frames' timestamps: with DTX or loss, frames are missing. Samples are counted only from one
    timestamp to the next, so rounding does not cut the sound and a drifting clock is followed all the same. After
    timestamps that overlap, a chunk's time falls back too: the engine drops what it had before.
    """

    def __init__(self) -> None:
        self._rate_hz = SAMPLE_RATE_HZ
        self._resampler = Resampler(SAMPLE_RATE_HZ)
        self._mixer = ChannelMixer()
        self._at = 0
        self._expected_s: float | None = None
        """The next frame's timestamp if nothing is lost; counted, so that rounding does not add up."""
        self._clock_s = 0.0
        """The stream's time when the frames' clock was at zero."""

    def convert(self, frame: av.AudioFrame) -> Iterator[Chunk]:
        """Samples that ``frame`` completes.

        Raises:
            AudioError: the frame holds samples that are not finite numbers, or of a type that cannot be read.
        """
        yield from self.add(self._mixer.mix(_finite_channels(frame)), frame.sample_rate, frame.time)

    def add(self, mono: FloatArray, rate_hz: int, time_s: float | None) -> Iterator[Chunk]:
        """Samples that ``mono`` ``[n]`` completes; it begins at ``time_s``, or after the samples before it.

        Raises:
            AudioError: speech is not recorded at such a rate.
        """
        begin_s = self._expected_s or 0.0 if time_s is None else time_s
        if self._expected_s is None or abs(begin_s - self._expected_s) > _TOLERANCE_S:
            yield from self._restart(rate_hz)
            self._jump(begin_s)
            self._expected_s = begin_s
        elif rate_hz != self._rate_hz:
            yield from self._restart(rate_hz)
        self._expected_s += len(mono) / rate_hz
        yield from self._emit(self._resampler.push(mono))

    def flush(self) -> Iterator[Chunk]:
        """Return the samples that the resampler holds back at the end of the track or before a gap."""
        yield from self._emit(self._resampler.flush())

    def _restart(self, rate_hz: int) -> Iterator[Chunk]:
        yield from self.flush()
        if rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            self._resampler = Resampler(rate_hz)

    def _jump(self, begin_s: float) -> None:
        if self._expected_s is not None and self._expected_s - begin_s > _RESTART_S:
            self._clock_s += self._expected_s - begin_s
        self._at = round((self._clock_s + begin_s) * SAMPLE_RATE_HZ)

    def _emit(self, samples: FloatArray) -> Iterator[Chunk]:
        if len(samples):
            yield Chunk(self._at, samples)
            self._at += len(samples)


def frame_to_channels(frame: av.AudioFrame) -> FloatArray:
    """Float32 ``[n, channels]`` of a frame in any of PyAV's sample formats, packed or planar.

    Raises:
        AudioError: PyAV cannot read this sample format, or there are too many channels.
    """
    require_usual(frame.sample_rate, len(frame.layout.channels))
    dtype = _DTYPES.get(frame.format.packed.name)
    if dtype is None:
        raise AudioError(f"{frame.format.name} frames cannot be read; convert the source to s16")
    channels = len(frame.layout.channels)
    if frame.format.is_planar and channels > _MOST_PLANES:
        frame = _packed(frame)
    # From the frame's own memory: PyAV's conversion to arrays takes ten times as long.
    if not frame.format.is_planar:
        return to_float(np.frombuffer(memoryview(frame.planes[0]), dtype, frame.samples * channels)).reshape(
            -1, channels
        )
    return to_float(
        np.stack([np.frombuffer(memoryview(plane), dtype, frame.samples) for plane in frame.planes], axis=1)
    )


def _packed(frame: av.AudioFrame) -> av.AudioFrame:
    """The same samples in one plane."""
    converter = av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate)
    (packed,) = converter.resample(frame)
    return packed


def frame_to_mono(frame: av.AudioFrame) -> FloatArray:
    """Float32 ``[n]``: the average of the channels.

    Raises:
        AudioError: a sample is not a finite number, or is of a type that cannot be read.
    """
    return average_channels(_finite_channels(frame))


def _finite_channels(frame: av.AudioFrame) -> FloatArray:
    channels = frame_to_channels(frame)
    return require_finite(channels) if frame.format.packed.name in FLOATS else channels
