"""Bytes and arrays to floats, channels to mono; what cannot be sound is refused."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import FloatArray
from ser_track.config.schema import SampleFormat
from ser_track.errors import AudioError

_DTYPES = {"float32": "<f4", "int16": "<i2", "int32": "<i4", "uint8": "u1"}
_INTEGERS: Final = (np.int16, np.int32, np.uint8)
LOUDEST: Final = 4.0
"""Floats of real recordings stay below this, at 12 dB over full scale."""
_MAX_LEVEL: Final = 1e6
"""Beyond this a float is not a sound: damage, or another type of number."""


class PcmReader:
    """Turns interleaved PCM bytes, or arrays, into mono float32 in -1 … 1.

    Pieces may end anywhere, even inside a sample: the rest waits for the next piece. Floats far beyond -1 … 1 are
    taken as they are, but Python's `warnings` tell it, once for each stream.
    """

    def __init__(self, sample_format: SampleFormat, channels: int) -> None:
        self._dtype = np.dtype(_DTYPES[sample_format])
        self._channels = channels
        self._frame_bytes = self._dtype.itemsize * channels
        self._rest = b""
        self._mixer = ChannelMixer()
        self._told_scale = False

    def read(self, data: bytes | bytearray | memoryview | ArrayLike) -> FloatArray:
        """Mono float32 ``[n]`` of ``data``: bytes in the announced format, or an array ``[n]`` or ``[n, channels]``.

        Arrays hold floats in -1 … 1, or integers (int16, int32, uint8), each in the full range of its type.

        Raises:
            AudioError: a ragged list, an array of another shape or type, or samples that are not finite numbers.
        """
        if isinstance(data, (bytes, bytearray, memoryview)):
            frames = self._from_bytes(bytes(data))
        else:
            frames = self._from_array(as_array(data))
        require_finite(frames)
        if not self._told_scale and len(frames) and (peak := float(np.abs(frames).max())) > LOUDEST:
            self._told_scale = True
            remedy = "divide them by the full scale of their type (32768 for 16 bits), or give int16"
            warnings.warn(f"float samples reach {peak:.0f}, but must be in -1 … 1; {remedy}", stacklevel=3)
        return self._mixer.mix(frames)

    def _from_bytes(self, data: bytes) -> FloatArray:
        data = self._rest + data
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        return to_float(np.frombuffer(data[:whole], self._dtype)).reshape(-1, self._channels)

    def _from_array(self, array: np.ndarray) -> FloatArray:
        if not np.issubdtype(array.dtype, np.floating) and array.dtype not in _INTEGERS:
            remedy = "give floats in -1 … 1, or int16, int32 or uint8 in the full range of the type"
            raise AudioError(f"array of {array.dtype}, whose scale is unknown: {remedy}")
        flat = array.ndim == 1 and array.size % self._channels == 0
        if not flat and not (array.ndim == 2 and array.shape[1] == self._channels):
            raise AudioError(f"array of shape {array.shape} does not fit {self._channels} channels; give [n, channels]")
        return to_float(array).reshape(-1, self._channels)

    def reset(self) -> None:
        """Begin a new stream: forget the bytes of an incomplete sample."""
        self._rest = b""
        self._mixer = ChannelMixer()
        self._told_scale = False


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


def usable(samples: FloatArray) -> NDArray[np.bool_]:
    """Which of ``samples`` can be sound: not NaN, not infinite and not of another order of magnitude."""
    return np.less_equal(np.abs(samples), _MAX_LEVEL)


def require_finite(samples: FloatArray) -> FloatArray:
    """``samples`` ``[n]`` or ``[n, channels]``, unless one cannot be sound: it would corrupt all that follows.

    Raises:
        AudioError: a sample is not a finite number, or far beyond full scale.
    """
    good = usable(samples)
    if not good.all():
        first = int(np.nonzero(~good)[0][0])
        what = f"sample {first} of this piece is not a finite number, or far beyond -1 … 1"
        raise AudioError(f"{what}; check the sample format of the source")
    return samples
