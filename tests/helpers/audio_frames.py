"""Audio frames as decoders give them."""

from fractions import Fraction

import av
import numpy as np

from ser_track.chunk import FloatArray

_SCALES = {"u8": 2**7, "s16": 2**15, "s32": 2**31, "flt": 1, "dbl": 1}
_TYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}


def frame(
    values: FloatArray,
    pts: int | None = None,
    *,
    rate_hz: int = 48_000,
    layout: str = "mono",
    sample_format: str = "flt",
) -> av.AudioFrame:
    """One frame of ``values`` ``[n, channels]``; ``pts`` counts samples."""
    kind = sample_format.removesuffix("p")
    scaled = values.astype(np.float64) * _SCALES[kind] + (_SCALES["u8"] if kind == "u8" else 0)
    samples = scaled.astype(_TYPES[kind])
    array = samples.T if sample_format.endswith("p") else samples.reshape(1, -1)
    made = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), format=sample_format, layout=layout)
    made.sample_rate = rate_hz
    if pts is not None:
        made.pts, made.time_base = pts, Fraction(1, rate_hz)
    return made


def frames(
    samples: FloatArray, rate_hz: int, time_base: Fraction | None = None, size: int | None = None, down: bool = True
) -> list[av.AudioFrame]:
    """``samples`` in frames of ``size`` (20 ms); timestamps rounded (``down``, or to the nearest) to ``time_base``."""
    size, made = size or rate_hz // 50, list[av.AudioFrame]()
    for begin in range(0, len(samples), size):
        each = frame(samples[begin : begin + size, None], begin, rate_hz=rate_hz)
        if time_base is not None:
            ticks = Fraction(begin, rate_hz) / time_base
            each.pts, each.time_base = int(ticks) if down else round(ticks), time_base
        made.append(each)
    return made
