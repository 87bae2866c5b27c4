"""The voice detector as training uses it: one for all clips, with the threshold of a call."""

import functools

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.models import trimming
from ser_track.models.silero import SileroVad


@functools.cache
def _detector() -> SileroVad:
    return SileroVad()


def voiced_windows(samples: FloatArray) -> NDArray[np.bool_]:
    """[n] at 16 kHz → one decision for each window of 32 ms."""
    return trimming.voiced_windows(_detector(), samples)


def trim(samples: FloatArray) -> FloatArray:
    """[n] → [≤ n]: first voiced to last voiced window; all of it where nothing is voiced."""
    return trimming.voiced_part(_detector(), samples)
