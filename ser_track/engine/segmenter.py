"""Groups voiced windows into speech segments: a state machine over VAD decisions, one per stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.engine.windows import Gap, Window
from ser_track.event_types import EndReason

_SILENCE: Final = np.zeros(WINDOW_SAMPLES, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Speech, or the part of it to classify: ``windows`` of ``[512]`` each, the first at index ``start`` of the stream.

    They are joined only when they are classified: most provisional jobs are replaced before that.
    """

    number: int
    start: int
    windows: Sequence[FloatArray]

    @property
    def end(self) -> int:
        """Index of the first sample after the segment."""
        return self.start + len(self.windows) * WINDOW_SAMPLES

    @property
    def samples(self) -> FloatArray:
        """``[n]`` at 16 kHz."""
        return np.concatenate(self.windows)


@dataclass(frozen=True, slots=True)
class Opened:
    """Segment ``number`` began at sample ``start``."""

    number: int
    start: int


@dataclass(frozen=True, slots=True)
class Growing:
    """An open segment is due for a provisional result, of its latest part or, in a pause, of all of it."""

    start: int
    latest: Segment
    in_pause: bool = False
    """Whether the voice has paused: ``latest`` is the whole segment, and its result may become the final one."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A segment ended: from its first voiced window to the end of its last; ``kept`` if it was long enough."""

    segment: Segment
    reason: EndReason
    kept: bool


Mark = Opened | Growing | Closed


class Segmenter:
    """Stores windows while there is voice and reports what happened to the segments.

    A segment opens at a voiced window and closes when ``end_silence_s`` passed without one, or at ``max_segment_s``;
    silence inside it is kept, silence at its end is not.
    """

    __slots__ = (
        "_due_at",
        "_early_windows",
        "_first",
        "_interval_windows",
        "_latest_windows",
        "_max_windows",
        "_min_confidence",
        "_min_samples",
        "_number",
        "_silence_windows",
        "_stored",
        "_voiced",
    )

    def __init__(self, config: PipelineConfig) -> None:
        self._min_confidence = config.vad_min_confidence
        self._max_windows = max(1, int(config.max_segment_s * SAMPLE_RATE_HZ / WINDOW_SAMPLES + 1e-9))
        # A segment of the maximum length must always be long enough, even if the two limits are one window apart.
        self._min_samples = min(round(config.min_segment_s * SAMPLE_RATE_HZ), self._max_windows * WINDOW_SAMPLES)
        self._silence_windows = max(1, _windows(config.end_silence_s))
        self._early_windows = self._silence_windows // 2
        """A pause of this length may become the end: all audio for the final result has arrived."""
        self._interval_windows = max(1, _windows(config.provisional_interval_s))
        self._latest_windows = max(1, _windows(config.provisional_window_s))
        self._number = 0
        self._stored: list[FloatArray] = []
        self._first = 0
        self._voiced = 0
        """Stored windows up to and including the last voiced one; the others are silence that may end the segment."""
        self._due_at = self._interval_windows

    def push(self, window: Window, probability: float) -> Sequence[Mark]:
        """Advance by one window and its speech probability."""
        voiced = probability >= self._min_confidence
        if self._stored:
            mark = self._store(window.samples, voiced)
            return (mark,) if mark else ()
        if not voiced:
            return ()
        self._first = window.index
        opened = Opened(self._number, window.index * WINDOW_SAMPLES)
        mark = self._store(window.samples, voiced)
        return (opened, mark) if mark else (opened,)

    def skip(self, gap: Gap) -> Sequence[Mark]:
        """Advance over windows that never arrived. They count as silence."""
        silence = range(min(gap.windows, self._silence_windows))
        return [mark for _ in silence if self._stored and (mark := self._store(_SILENCE, voiced=False))]

    def close(self, reason: EndReason) -> Sequence[Mark]:
        """Close the open segment."""
        return (self._close(reason),) if self._stored else ()

    def _store(self, samples: FloatArray, voiced: bool) -> Mark | None:
        self._stored.append(samples)
        if voiced:
            self._voiced = len(self._stored)
        return self._due(voiced)

    def _due(self, voiced: bool) -> Mark | None:
        stored = len(self._stored)
        silent = stored - self._voiced
        if silent >= self._silence_windows:
            return self._close("silence")
        if stored >= self._max_windows:
            return self._close("max_duration")
        if self._voiced * WINDOW_SAMPLES < self._min_samples:
            return None
        if voiced and self._voiced >= self._due_at:
            self._due_at = self._voiced + self._interval_windows
            return Growing(self._first * WINDOW_SAMPLES, self._segment(max(0, self._voiced - self._latest_windows)))
        if silent == self._early_windows:
            return Growing(self._first * WINDOW_SAMPLES, self._segment(), in_pause=True)
        return None

    def _segment(self, skipped: int = 0) -> Segment:
        return Segment(self._number, (self._first + skipped) * WINDOW_SAMPLES, self._stored[skipped : self._voiced])

    def _close(self, reason: EndReason) -> Closed:
        segment = self._segment()
        self._stored, self._voiced, self._due_at = [], 0, self._interval_windows
        self._number += 1
        return Closed(segment, reason, kept=segment.end - segment.start >= self._min_samples)


def _windows(seconds: float) -> int:
    """Whole windows that last at least ``seconds``, forgiving float error."""
    return int(np.ceil(seconds * SAMPLE_RATE_HZ / WINDOW_SAMPLES - 1e-9))
