"""Voice activity by energy: for recordings in which only voices are loud."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ser_track import DetectorState, FloatArray

THRESHOLD_DBFS = -40.0


@dataclass(slots=True)
class Smoothed:
    """The state of one stream: its smoothed level, so that gaps between syllables do not count as silence."""

    level_dbfs: float = -120.0


class EnergyDetector:
    """A `VoiceDetector` over windows of 32 ms."""

    licence = "MIT"

    def new_state(self) -> Smoothed:
        """The state of a new stream."""
        return Smoothed()

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``, one for each stream; advances ``states``."""
        levels = 10 * np.log10(np.mean(np.square(windows, dtype=np.float64), axis=1) + 1e-12)
        for level, state in zip(levels, cast("Sequence[Smoothed]", states), strict=True):
            state.level_dbfs = max(float(level), 0.8 * state.level_dbfs + 0.2 * float(level))
        smoothed = np.array([state.level_dbfs for state in cast("Sequence[Smoothed]", states)])
        return np.asarray(1 / (1 + np.exp(THRESHOLD_DBFS - smoothed)), np.float32)

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """The same for ``n`` windows of one stream, one after the other."""
        return np.concatenate([self.detect(window[None], [state]) for window in windows])
