"""Bytes to floats, channels to mono."""

import numpy as np
from numpy.typing import ArrayLike

from ser_track.chunk import FloatArray
from ser_track.config.schema import SampleFormat
from ser_track.errors import AudioError

_DTYPES = {"float32": "<f4", "int16": "<i2", "int32": "<i4", "uint8": "u1"}


class PcmReader:
    """Turns interleaved PCM bytes, or float arrays, into mono float32 in -1 … 1.

    Pieces may end anywhere, even inside a sample: the rest waits for the next piece.
    """

    def __init__(self, sample_format: SampleFormat, channels: int) -> None:
        self._dtype = np.dtype(_DTYPES[sample_format])
        self._channels = channels
        self._frame_bytes = self._dtype.itemsize * channels
        self._rest = b""

    def read(self, data: bytes | bytearray | memoryview | ArrayLike) -> FloatArray:
        """Mono float32 ``[n]`` of ``data``: bytes in the announced format, or floats ``[n]`` or ``[n, channels]``.

        Raises:
            AudioError: a ragged list, an array of another shape or type, or samples that are not finite numbers.
        """
        if isinstance(data, (bytes, bytearray, memoryview)):
            frames = self._from_bytes(bytes(data))
        else:
            frames = self._from_array(as_array(data))
        return require_finite(average_channels(frames))

    def _from_bytes(self, data: bytes) -> FloatArray:
        data = self._rest + data
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        return to_float(np.frombuffer(data[:whole], self._dtype)).reshape(-1, self._channels)

    def _from_array(self, array: np.ndarray) -> FloatArray:
        if not np.issubdtype(array.dtype, np.floating):
            raise AudioError(f"array of {array.dtype}: give float samples in -1 … 1, or bytes in the configured format")
        flat = array.ndim == 1 and array.size % self._channels == 0
        if not flat and not (array.ndim == 2 and array.shape[1] == self._channels):
            raise AudioError(f"array of shape {array.shape} does not fit {self._channels} channels; give [n, channels]")
        return to_float(array).reshape(-1, self._channels)

    def reset(self) -> None:
        """Forget the bytes of an incomplete sample."""
        self._rest = b""


def as_array(data: ArrayLike) -> np.ndarray:
    """``data`` as an array of whatever shape and type.

    Raises:
        AudioError: a ragged list.
    """
    try:
        return np.asarray(data)
    except ValueError as error:
        raise AudioError(f"the audio is not an array ({error}); give floats [n] or [n, channels]") from error


def to_float(samples: np.ndarray) -> FloatArray:
    """PCM of any usual type as float32 in -1 … 1; floats keep their values."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if np.issubdtype(samples.dtype, np.signedinteger):
        return samples.astype(np.float32) / np.float32(-float(np.iinfo(samples.dtype).min))
    with np.errstate(over="ignore"):  # becomes infinite, which `require_finite` refuses
        return samples.astype(np.float32)


def require_finite(samples: FloatArray) -> FloatArray:
    """``samples``, unless one is NaN or infinite: that would corrupt every later decision of the stream.

    Raises:
        AudioError: a sample is not a finite number.
    """
    if not np.isfinite(samples).all():
        first = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise AudioError(f"sample {first} of this piece is not a finite number; check the sample format of the source")
    return samples


def average_channels(frames: FloatArray) -> FloatArray:
    """Mono ``[n]`` of ``[n, channels]``: the average, so a voice on both channels keeps its level."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    # Channel by channel: numpy's mean over an axis of two costs four times as much.
    mono = frames[:, 0] + frames[:, 1]
    for channel in range(2, frames.shape[1]):
        mono += frames[:, channel]
    mono *= np.float32(1 / frames.shape[1])
    return mono
