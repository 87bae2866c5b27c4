"""Trims a recording as a call's segmenter does: from the first voiced window to the end of the last."""

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.engine.vad_batches import MAX_RUN_WINDOWS
from ser_track.protocols import VoiceDetector


def voiced_windows(detector: VoiceDetector, samples: FloatArray, min_confidence: float = 0.5) -> NDArray[np.bool_]:
    """[n] at 16 kHz → one decision for each window of 32 ms; the last one is zero-padded."""
    n_windows = -(-samples.size // WINDOW_SAMPLES)
    windows = np.pad(samples, (0, n_windows * WINDOW_SAMPLES - samples.size)).reshape(-1, WINDOW_SAMPLES)
    state = detector.new_state()
    voiced = np.empty(n_windows, bool)
    for first in range(0, n_windows, MAX_RUN_WINDOWS):
        run = slice(first, first + MAX_RUN_WINDOWS)
        voiced[run] = detector.detect_run(windows[run], state) >= min_confidence
    return voiced


def voiced_part(detector: VoiceDetector, samples: FloatArray, min_confidence: float = 0.5) -> FloatArray:
    """[n] → [≤ n]: first voiced to last voiced window; everything if no window is voiced."""
    voiced = np.flatnonzero(voiced_windows(detector, samples, min_confidence))
    if voiced.size == 0:
        return samples
    return samples[voiced[0] * WINDOW_SAMPLES : (voiced[-1] + 1) * WINDOW_SAMPLES]
