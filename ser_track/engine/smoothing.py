"""Smooths provisional results so that they do not flicker."""

from dataclasses import replace

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.protocols import Prediction


class Smoothing:
    """The running average of one segment's provisional distributions; ``smoothing`` is the share of earlier ones.

    A final result is never averaged: it was computed from the whole segment at once.
    """

    __slots__ = ("_before", "_segment", "_six_before", "_smoothing")

    def __init__(self, smoothing: float) -> None:
        self._smoothing = smoothing
        self._segment = -1
        self._before: FloatArray | None = None
        self._six_before: FloatArray | None = None

    def smooth(self, segment: int, prediction: Prediction) -> Prediction:
        """Return ``prediction`` averaged with the earlier ones of the same ``segment``."""
        if segment != self._segment:
            self._segment, self._before, self._six_before = segment, None, None
        self._before = self._mixed(self._before, prediction.probabilities)
        self._six_before = None if prediction.six is None else self._mixed(self._six_before, prediction.six)
        return replace(prediction, probabilities=self._before, six=self._six_before)

    def _mixed(self, before: FloatArray | None, now: FloatArray) -> FloatArray:
        return now if before is None else np.asarray(now + (before - now) * self._smoothing, np.float32)
