"""A waveform of any length in bounded memory."""

from typing import Final

import numpy as np

from ser_track.chunk import FloatArray

_FINEST_SAMPLES: Final = 80
"""5 ms: finer than a screen shows."""


class Peaks:
    """The largest magnitude in each of at most ``points`` equal intervals; the intervals double as the sound grows."""

    def __init__(self, points: int) -> None:
        """Begin with intervals of 5 ms; ``points`` is at least 2."""
        self.bucket_samples = _FINEST_SAMPLES
        self._values = np.zeros(points, np.float32)
        self._used = 0

    @property
    def values(self) -> FloatArray:
        """``[n]``: value k is the peak of samples ``bucket_samples * k`` up to the next, 0 if there were none."""
        return self._values[: self._used]

    def add(self, at: int, samples: FloatArray) -> None:
        """Add ``samples`` ``[n]``, the first at index ``at``; pieces may come in any order and overlap."""
        if not len(samples):
            return
        while at + len(samples) > self.bucket_samples * len(self._values):
            self.double()
        buckets = np.arange(at, at + len(samples)) // self.bucket_samples
        first, last = int(buckets[0]), int(buckets[-1])
        starts = np.searchsorted(buckets, np.arange(first, last + 1))
        loudest = np.maximum.reduceat(np.abs(samples), starts)
        self._values[first : last + 1] = np.maximum(self._values[first : last + 1], loudest)
        self._used = max(self._used, last + 1)

    def double(self) -> None:
        """Make each interval twice as long."""
        half = (len(self._values) + 1) // 2
        padded = np.zeros(2 * half, np.float32)
        padded[: len(self._values)] = self._values
        self._values[:half] = padded.reshape(half, 2).max(axis=1)
        self._values[half:] = 0
        self.bucket_samples *= 2
        self._used = (self._used + 1) // 2
