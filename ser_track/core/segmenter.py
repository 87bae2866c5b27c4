"""Voiced windows to speech segments: a state machine over VAD decisions, one per stream."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ser_track.config import PipelineConfig
from ser_track.core.windows import Gap, Window
from ser_track.types import SAMPLE_RATE_HZ, WINDOW_SAMPLES, EndReason, FloatArray, Segment


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


@dataclass(frozen=True, slots=True)
class Closed:
    """A segment ended: from its first voiced window to the end of its last; ``kept`` if it was long enough."""

    segment: Segment
    reason: EndReason
    kept: bool


Mark = Opened | Growing | Closed


class Segmenter:
    """Stores windows while there is voice and yields what became of them.

    A segment opens at a voiced window and closes when ``end_silence_s`` passed without one, or at ``max_segment_s``;
    silence inside it is kept, silence at its end is not.
    """

    def __init__(self, config: PipelineConfig) -> None:
        self._min_confidence = config.vad_min_confidence
        self._max_windows = max(1, int(config.max_segment_s * SAMPLE_RATE_HZ / WINDOW_SAMPLES + 1e-9))
        # A segment of the longest kind must always be long enough, also where the two limits are one window apart.
        self._min_samples = min(round(config.min_segment_s * SAMPLE_RATE_HZ), self._max_windows * WINDOW_SAMPLES)
        self._silence_windows = max(1, _windows(config.end_silence_s))
        self._early_windows = self._silence_windows // 2
        """A pause of this length may become the end: what the final result needs is already there."""
        self._interval_windows = max(1, _windows(config.provisional_interval_s))
        self._latest_windows = max(1, _windows(config.provisional_window_s))
        self._number = 0
        self._stored: list[FloatArray] = []
        self._first = 0
        self._voiced = 0
        """Stored windows up to and with the last voiced one; the others are silence that may yet end the segment."""
        self._due_at = self._interval_windows

    @property
    def windows_to_close(self) -> int | None:
        """While an open segment is in a pause: after how many more windows of silence it closes."""
        silent = len(self._stored) - self._voiced
        return self._silence_windows - silent if silent else None

    def push(self, window: Window, probability: float) -> Iterator[Mark]:
        """Advance by one window and its speech probability."""
        voiced = probability >= self._min_confidence
        if not self._stored and not voiced:
            return
        if not self._stored:
            self._first = window.index
            yield Opened(self._number, window.index * WINDOW_SAMPLES)
        self._stored.append(window.samples)
        if voiced:
            self._voiced = len(self._stored)
        yield from self._due(voiced)

    def skip(self, gap: Gap) -> Iterator[Mark]:
        """Advance over windows of which nothing arrived: silence, whatever was said meanwhile."""
        if not self._stored:
            return
        for _ in range(min(gap.windows, self._silence_windows)):
            self._stored.append(np.zeros(WINDOW_SAMPLES, np.float32))
            yield from self._due(voiced=False)
            if not self._stored:
                return

    def close(self, reason: EndReason) -> Iterator[Mark]:
        """Close what is open."""
        if self._stored:
            yield self._close(reason)

    def _due(self, voiced: bool) -> Iterator[Mark]:
        if len(self._stored) - self._voiced >= self._silence_windows:
            yield self._close("silence")
        elif len(self._stored) >= self._max_windows:
            yield self._close("max_duration")
        elif self._voiced * WINDOW_SAMPLES < self._min_samples:
            return
        elif voiced and self._voiced >= self._due_at:
            self._due_at = self._voiced + self._interval_windows
            yield Growing(self._first * WINDOW_SAMPLES, self._segment(max(0, self._voiced - self._latest_windows)))
        elif len(self._stored) - self._voiced == self._early_windows:
            yield Growing(self._first * WINDOW_SAMPLES, self._segment())

    def _segment(self, skipped: int = 0) -> Segment:
        samples = np.concatenate(self._stored[skipped : self._voiced])
        return Segment(self._number, (self._first + skipped) * WINDOW_SAMPLES, samples)

    def _close(self, reason: EndReason) -> Closed:
        segment = self._segment()
        self._stored, self._voiced, self._due_at = [], 0, self._interval_windows
        self._number += 1
        return Closed(segment, reason, kept=len(segment.samples) >= self._min_samples)


def _windows(seconds: float) -> int:
    """Whole windows that last at least ``seconds``, forgiving float error."""
    return int(np.ceil(seconds * SAMPLE_RATE_HZ / WINDOW_SAMPLES - 1e-9))
