"""Samples to VAD windows on a fixed grid: window k covers samples 512 k … 512 k + 511, whatever was lost."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from ser_track.types import WINDOW_SAMPLES, FloatArray


@dataclass(frozen=True, slots=True)
class Gap:
    """``windows`` whole windows, from index ``first``, of which no sample arrived."""

    first: int
    windows: int


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Samples ``[512]`` of window ``index``; samples that never arrived are zero."""

    index: int
    samples: FloatArray


class WindowBuffer:
    """Cuts one stream into windows. Media time is the sample index, so lost audio shifts nothing."""

    def __init__(self) -> None:
        self._ready: deque[Window | Gap] = deque()
        self._open = np.zeros(WINDOW_SAMPLES, np.float32)
        self._end = 0

    def push(self, samples: FloatArray, at: int) -> int:
        """Add ``samples`` whose first has index ``at``; what is missing before it is a gap.

        What overlaps the past is dropped; returns how many samples that were.
        """
        late = min(max(0, self._end - at), len(samples))
        if late < len(samples):
            self._skip_to(at + late)
            self._append(samples[late:])
        return late

    def pop(self) -> Window | Gap | None:
        """The next complete window or gap."""
        return self._ready.popleft() if self._ready else None

    def flush(self) -> None:
        """Complete the open window with zeros: no more samples follow."""
        if self._end % WINDOW_SAMPLES:
            self._skip_to((self._end // WINDOW_SAMPLES + 1) * WINDOW_SAMPLES)

    def _skip_to(self, at: int) -> None:
        inside = self._end % WINDOW_SAMPLES
        if inside and at > self._end:
            self._append(np.zeros(min(at - self._end, WINDOW_SAMPLES - inside), np.float32))
        if (whole := (at - self._end) // WINDOW_SAMPLES) > 0:
            self._ready.append(Gap(self._end // WINDOW_SAMPLES, whole))
            self._end += whole * WINDOW_SAMPLES
        if at > self._end:
            self._append(np.zeros(at - self._end, np.float32))

    def _append(self, samples: FloatArray) -> None:
        while len(samples):
            inside = self._end % WINDOW_SAMPLES
            taken = min(WINDOW_SAMPLES - inside, len(samples))
            self._open[inside : inside + taken] = samples[:taken]
            self._end += taken
            samples = samples[taken:]
            if inside + taken == WINDOW_SAMPLES:
                self._ready.append(Window(self._end // WINDOW_SAMPLES - 1, self._open))
                self._open = np.zeros(WINDOW_SAMPLES, np.float32)
