"""Cuts a clip as a live call's segmenter would: from the first voiced window to the end of the last."""

import functools
from typing import Final

import numpy as np

from ser_track.models.silero import SileroVad
from ser_track.types import WINDOW_SAMPLES, FloatArray

_THRESHOLD: Final = 0.5


@functools.cache
def _detector() -> SileroVad:
    return SileroVad()


def voiced_windows(samples: FloatArray) -> np.typing.NDArray[np.bool_]:
    """[n] at 16 kHz → one decision for each window of 32 ms; the last one is filled with zeros."""
    n_windows = -(-samples.size // WINDOW_SAMPLES)
    windows = np.pad(samples, (0, n_windows * WINDOW_SAMPLES - samples.size)).reshape(-1, 1, WINDOW_SAMPLES)
    state = _detector().new_state()
    return np.array([_detector().detect(window, [state])[0] >= _THRESHOLD for window in windows])


def trim(samples: FloatArray) -> FloatArray:
    """[n] → [≤ n]: first voiced to last voiced window; all of it where nothing is voiced."""
    voiced = np.flatnonzero(voiced_windows(samples))
    if voiced.size == 0:
        return samples
    return samples[voiced[0] * WINDOW_SAMPLES : (voiced[-1] + 1) * WINDOW_SAMPLES]
