"""Takes a constant offset out of a stream: cheap sound cards and some recorders add one to every sample."""

from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray

_BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ // 10
"""The offset is measured on a fixed grid, so that pieces of any size give the same samples."""
_FOLLOWING: Final = 0.1
"""How far each block moves the estimate: over about a second, far slower than any voice."""
_LEAST: Final = 0.005
_LEAST_SHARE: Final = 0.25
"""An offset is smaller than this, in full scale or in the deviation of the sound around it: then nothing is changed."""


class DcOffset:
    """The offset of one mono stream at 16 kHz. A stream without an offset passes through untouched."""

    def __init__(self) -> None:
        self._found = False
        self._mean: float | None = None
        self._variance = 0.0
        self._removed = (0.0, 0.0)
        """What is taken from the first sample of the open block, and from the first one after it."""
        self._inside = 0
        self._sum = self._squares = 0.0

    def remove(self, samples: FloatArray) -> FloatArray:
        """Return ``samples`` ``[n]`` without the offset that the stream had so far."""
        result, at = samples, 0
        while at < len(samples):
            end = min(len(samples), at + _BLOCK_SAMPLES - self._inside)
            part = samples[at:end]
            if any(self._removed):
                if result is samples:
                    result = samples.copy()
                begin, rest = self._removed
                places = np.arange(self._inside, self._inside + len(part)) / _BLOCK_SAMPLES
                result[at:end] -= (begin + (rest - begin) * places).astype(np.float32)
            self._measure(part)
            at = end
        return result

    def _measure(self, part: FloatArray) -> None:
        self._inside += len(part)
        self._sum += float(part.sum(dtype=np.float64))
        self._squares += float(np.dot(part, part))
        if self._inside < _BLOCK_SAMPLES:
            return
        mean = self._sum / _BLOCK_SAMPLES
        variance = max(0.0, self._squares / _BLOCK_SAMPLES - mean**2)
        if self._mean is None:
            self._mean, self._variance = mean, variance
        self._mean += _FOLLOWING * (mean - self._mean)
        self._variance += _FOLLOWING * (variance - self._variance)
        self._found |= abs(self._mean) > max(_LEAST, _LEAST_SHARE * self._variance**0.5)
        # In a straight line over the next block: a step would be heard as a click.
        self._removed = self._removed[1], self._mean if self._found else 0.0
        self._inside, self._sum, self._squares = 0, 0.0, 0.0
