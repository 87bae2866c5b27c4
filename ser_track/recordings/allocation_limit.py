"""Bounds what FFmpeg allocates at once: a header of a few bytes may announce a table of millions of entries."""

import ctypes
import ctypes.util
import functools
from pathlib import Path
from typing import Final

import av

_MAX_BYTES: Final = 128 << 20
"""The index of a day of sound in MP4 takes about this much; nothing else comes near."""
_IN_THE_WHEEL: Final = ("av.libs/libavutil-*.so*", "av/.dylibs/libavutil*.dylib", "av.libs/avutil-*.dll")
"""Where PyAV's wheels keep FFmpeg: on Linux, macOS and Windows."""


@functools.cache
def limit_allocations() -> bool:
    """Limit each allocation of FFmpeg in this process, once; whether FFmpeg was found (``av_max_alloc`` is public)."""
    wheel = Path(av.__file__).parents[1]
    bundled = sorted(path for pattern in _IN_THE_WHEEL for path in wheel.glob(pattern))
    found = str(bundled[0]) if bundled else ctypes.util.find_library("avutil")
    if found is None:
        return False
    limit = ctypes.CDLL(found).av_max_alloc
    limit.argtypes, limit.restype = [ctypes.c_size_t], None
    limit(_MAX_BYTES)
    return True
