"""Decodes Opus at 16 kHz mono with libopus itself: PyAV's decoder has no concealment or error correction.

The library is the copy inside PyAV's wheel, else the system's (Debian `libopus0`, Homebrew `opus`). If there is
none, `available` is false. RFC 6716; functions: libopus's public headers.
"""

import ctypes
import ctypes.util
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np

from ser_track.audio.mixing import ChannelMixer
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.errors import AudioError
from ser_track.rtp.header import RTP_CLOCK_HZ
from ser_track.rtp.opus_packet import is_stereo

RTP_PER_SAMPLE: Final = RTP_CLOCK_HZ // SAMPLE_RATE_HZ
_MAX_SAMPLES: Final = 120 * SAMPLE_RATE_HZ // 1000  # no packet is longer than 120 ms
_IN_THE_WHEEL: Final = ("av.libs/libopus-*.so*", "av/.dylibs/libopus*.dylib", "av.libs/*opus-*.dll")
"""Where wheels keep their bundled libraries: on Linux, macOS and Windows."""
_RESET_STATE: Final = 4028
_NOTHING: Final = np.empty(0, np.float32)


@functools.cache
def library() -> ctypes.CDLL | None:
    """Return libopus, or ``None`` if it is not installed; searches folders the first time."""
    wheel = Path(av.__file__).parents[1]
    bundled = sorted(path for pattern in _IN_THE_WHEEL for path in wheel.glob(pattern))
    found = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if found is None:
        return None
    # PyDLL keeps the GIL: a packet takes 25 µs, and handing the GIL over and back costs both threads more.
    loaded = ctypes.PyDLL(found)
    loaded.opus_decoder_create.restype = ctypes.c_void_p
    loaded.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
    loaded.opus_decode_float.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
    ]  # fmt: skip
    loaded.opus_strerror.restype = ctypes.c_char_p
    return loaded


def available() -> bool:
    """Whether libopus was found."""
    return library() is not None


class OpusDecoder:
    """One stream's decoder; mono, 16 kHz. From the first stereo packet on, it decodes two channels and mixes them."""

    def __init__(self, channel: int | None = None) -> None:
        """Make a decoder; with a ``channel``, 0 or 1, that one of a stereo stream is heard alone.

        Raises:
            AudioError: libopus was not found.
        """
        found = library()
        if found is None:
            raise AudioError(
                "libopus was not found: install it (Debian: libopus0), or use PyAV's wheel, which brings it"
            )
        self.mixer = ChannelMixer()
        """Mixes the channels, and knows whether they cancel each other or carry different voices."""
        self._library = found
        self._channel = channel
        self._begin(1)

    def __del__(self) -> None:
        """Free the native memory."""
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, payload: bytes) -> FloatArray:
        """Samples ``[n]`` of one packet.

        Raises:
            AudioError: libopus refuses it; the decoder can continue with the next packet.
        """
        if self._channels == 1 and is_stereo(payload):
            self._library.opus_decoder_destroy(self._state)
            self._begin(2)
        return self._run(payload, _MAX_SAMPLES, 0)

    def decode_run(self, payloads: Sequence[bytes], n: int) -> tuple[FloatArray, int]:
        """Samples of consecutive mono packets, which last ``n`` samples together, and how many packets these are.

        It stops before a packet that `decode` must get: libopus refuses it, or it does not last as long as it says.
        """
        if self._channels != 1:
            return _NOTHING, 0
        out, filled = np.empty(n, np.float32), 0
        decode, state, start = self._library.opus_decode_float, self._state, out.ctypes.data
        for count, payload in enumerate(payloads):
            got = decode(state, payload, len(payload), start + filled * out.itemsize, n - filled, 0)
            if got < 0:
                return out[:filled], count
            filled += got
        return out[:filled], len(payloads)

    def conceal(self, n: int) -> FloatArray:
        """Return ``[n]``, a multiple of 2.5 ms: libopus's guess at a lost packet, which fades as the loss lasts."""
        return self._run(None, n, 0)

    def recover(self, following: bytes, n: int) -> FloatArray:
        """Return ``[n]`` samples lost just before the packet ``following``, from the copy that it carries."""
        return self._run(following, n, 1)

    def reset(self) -> None:
        """Forget the earlier packets: another stream begins."""
        self._library.opus_decoder_ctl(self._state, _RESET_STATE)

    def _begin(self, channels: int) -> None:
        self._channels = channels
        self._state = ctypes.c_void_p(self._library.opus_decoder_create(SAMPLE_RATE_HZ, channels, None))
        self._out = np.empty(_MAX_SAMPLES * channels, np.float32)
        self._out_at = self._out.ctypes.data

    def _run(self, payload: bytes | None, n: int, forward: int) -> FloatArray:
        size = len(payload) if payload else 0
        got = self._library.opus_decode_float(self._state, payload, size, self._out_at, n, forward)
        if got < 0:
            reason = self._library.opus_strerror(got).decode()
            raise AudioError(f"an Opus packet of {size} bytes cannot be decoded ({reason})")
        if self._channels == 1:
            return self._out[:got].copy()
        frames = self._out[: 2 * got].reshape(-1, 2)
        return self.mixer.mix(frames) if self._channel is None else frames[:, self._channel].copy()
