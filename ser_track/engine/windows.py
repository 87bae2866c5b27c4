"""Cuts samples into VAD windows on a fixed grid: window k covers samples 512 k … 512 k + 511, even after loss."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES, Chunk, FloatArray

_BLOCK_WINDOWS: Final = 8
"""Packets are copied to blocks of a quarter of a second."""


@dataclass(frozen=True, slots=True)
class Gap:
    """``windows`` whole windows, from index ``first``, for which no sample arrived."""

    first: int
    windows: int


@dataclass(slots=True, eq=False)
class Window:
    """Samples ``[512]`` of window ``index``; samples that never arrived are zero. Treat it as immutable.

    Not frozen, because one is made for every 32 ms of every stream: frozen ones take three times as long to make.
    """

    index: int
    samples: FloatArray


class WindowBuffer:
    """Cuts one stream into windows. Media time is the sample index, so lost audio shifts nothing."""

    __slots__ = ("_begun", "_block", "_end", "_filled", "ready")

    def __init__(self) -> None:
        self.ready: deque[Window | Gap] = deque()
        """Complete windows and gaps, in order; the consumer takes them from the left."""
        self._block = np.empty(0, np.float32)
        """The block that samples are copied to. Windows are views of it, so it is filled once and never reused."""
        self._begun = self._filled = 0
        """The part of the block that belongs to the open window."""
        self._end = 0

    def push(self, chunk: Chunk) -> int:
        """Add ``chunk``; missing audio before it becomes a gap.

        A chunk without samples means silence up to its time: windows before it become gaps at once. Samples that
        overlap the past are dropped. Returns the number of dropped samples.
        """
        at, samples = chunk
        if at == self._end:
            self._append(samples)
            return 0
        if not len(samples):
            if (whole := at // WINDOW_SAMPLES * WINDOW_SAMPLES) > self._end:
                self._skip_to(whole)
            return 0
        late = min(max(0, self._end - at), len(samples))
        if late < len(samples):
            self._skip_to(at + late)
            self._append(samples[late:])
        return late

    def has_run(self, count: int) -> bool:
        """Whether ``count`` complete windows come next, without a gap."""
        ready = self.ready
        return len(ready) >= count and all(isinstance(ready[n], Window) for n in range(count))

    def pop_run(self, most: int) -> list[Window]:
        """The next complete windows up to a gap, at most ``most``."""
        run: list[Window] = []
        while self.ready and len(run) < most and isinstance(window := self.ready[0], Window):
            run.append(window)
            self.ready.popleft()
        return run

    def flush(self) -> None:
        """Complete the open window with zeros: no more samples follow."""
        if self._end % WINDOW_SAMPLES:
            self._skip_to((self._end // WINDOW_SAMPLES + 1) * WINDOW_SAMPLES)

    def _skip_to(self, at: int) -> None:
        inside = self._end % WINDOW_SAMPLES
        if inside and at > self._end:
            self._append(np.zeros(min(at - self._end, WINDOW_SAMPLES - inside), np.float32))
        if (whole := (at - self._end) // WINDOW_SAMPLES) > 0:
            self.ready.append(Gap(self._end // WINDOW_SAMPLES, whole))
            self._end += whole * WINDOW_SAMPLES
        if at > self._end:
            self._append(np.zeros(at - self._end, np.float32))

    def _append(self, samples: FloatArray) -> None:
        count = len(samples)
        if self._filled + count > len(self._block):
            self._begin_block(count)
        filled = self._filled + count
        self._block[self._filled : filled] = samples
        self._filled = filled
        index = self._end // WINDOW_SAMPLES
        self._end += count
        while (after := self._begun + WINDOW_SAMPLES) <= filled:
            self.ready.append(Window(index, self._block[self._begun : after]))
            self._begun = after
            index += 1

    def _begin_block(self, count: int) -> None:
        """Make room for the open window and ``count`` samples more."""
        inside = self._block[self._begun : self._filled]
        windows = max(_BLOCK_WINDOWS, -(-(len(inside) + count) // WINDOW_SAMPLES))
        self._block = np.empty(windows * WINDOW_SAMPLES, np.float32)
        self._block[: len(inside)] = inside
        self._begun, self._filled = 0, len(inside)
