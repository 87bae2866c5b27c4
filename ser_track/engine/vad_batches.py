"""Runs voice activity detection over the windows of many streams, in as few calls as possible."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray
from ser_track.engine.segmenter import Mark
from ser_track.engine.stream import Stream
from ser_track.engine.windows import Gap, Window
from ser_track.errors import InferenceError
from ser_track.protocols import FadingDetector, RunsDetector, VoiceDetector

_MIN_RUN: Final = 16
"""From this many windows on, a run costs no more per window than a batch of the same number of streams."""
MAX_RUN_WINDOWS: Final = 128
"""Longer runs cost more per window again: the network's data then no longer fits in the processor's cache."""
_STEPS: Final = 4
"""As many windows come at once of a stream that is heard every 128 ms."""
_MIN_TOGETHER: Final = 4
"""From this many streams on, one call for several windows of each pays."""
_FADES_AFTER: Final = SAMPLE_RATE_HZ // WINDOW_SAMPLES
"""After a second that was left out, a voice may be another one, or none: the detector's memory fades, once."""


class VadBatches:
    """Sends windows through the detector to the segmenters: one window per stream, or many windows of one stream."""

    def __init__(self, detector: VoiceDetector, on_marks: Callable[[Stream, Iterable[Mark]], None]) -> None:
        """``on_marks`` is called with the changes of a stream's segments."""
        self._detector = detector
        self._fades = detector if isinstance(detector, FadingDetector) else None
        self._runs = detector if isinstance(detector, RunsDetector) else None
        self._on_marks = on_marks
        self._batch = np.empty((0, WINDOW_SAMPLES), np.float32)

    def advance(self, streams: Collection[Stream]) -> None:
        """Process everything that ``streams`` hold.

        Raises:
            InferenceError: the detector failed. The windows of that call count as a gap; their streams restart in
                the detector.
        """
        waiting = [stream for stream in streams if stream.windows.ready]
        for stream in waiting:
            while len(stream.windows.ready) >= _MIN_RUN:
                self._advance_run(stream)
        while waiting := [stream for stream in waiting if stream.windows.ready]:
            self._advance_all(waiting)

    def _advance_run(self, stream: Stream) -> None:
        """Advance over all windows of ``stream`` up to a gap, or over the gap."""
        run = stream.windows.pop_run(MAX_RUN_WINDOWS)
        if not run:
            self._skip_gap(stream)
            return
        stream.left_out = 0
        try:
            probabilities = _checked(self._detector.detect_run(self._joined(run), stream.detection), len(run))
        except Exception as error:  # a model may raise anything
            self._give_up(stream, run)
            raise InferenceError(f"voice detector: {error}") from error
        self._segment([stream] * len(run), run, probabilities)

    def _advance_all(self, waiting: Sequence[Stream]) -> None:
        """Advance each stream by one window or gap; or those that have several windows by these, if they are many."""
        if self._runs is not None:
            together = [stream for stream in waiting if stream.windows.has_run(_STEPS)]
            if len(together) >= _MIN_TOGETHER:
                self._advance_together(together, _STEPS)
                return
        heard = list[Stream]()
        for stream in waiting:
            if stream.windows.has_run(1):
                heard.append(stream)
            else:
                self._skip_gap(stream)
        if heard:
            self._advance_together(heard, 1)

    def _advance_together(self, streams: Sequence[Stream], steps: int) -> None:
        """Advance each stream by ``steps`` windows."""
        states, runs = [stream.detection for stream in streams], [stream.windows.pop_run(steps) for stream in streams]
        for stream in streams:
            stream.left_out = 0
        windows = [run[step] for step in range(steps) for run in runs]
        try:
            joined = self._joined(windows)
            if steps == 1 or self._runs is None:
                probabilities = self._detector.detect(joined, states)
            else:
                shape = steps, len(streams), WINDOW_SAMPLES
                probabilities = self._runs.detect_runs(joined.reshape(shape), states).reshape(-1)
            found = _checked(probabilities, len(windows))
        except Exception as error:  # a model may raise anything
            for stream, run in zip(streams, runs, strict=True):
                self._give_up(stream, run)
            raise InferenceError(f"voice detector: {error}") from error
        self._segment([*streams] * steps, windows, found)

    def _segment(self, streams: Sequence[Stream], windows: Sequence[Window], probabilities: Sequence[float]) -> None:
        for stream, window, probability in zip(streams, windows, probabilities, strict=True):
            if marks := stream.segmenter.push(window, probability):
                self._on_marks(stream, marks)

    def _skip_gap(self, stream: Stream) -> None:
        # The detector keeps its memory over a short gap: measured on CREMA-D with 64 to 512 ms missing, 1 to 3 %
        # of its decisions then differ from those without loss; 10 to 11 % when it restarts.
        gap = stream.windows.ready.popleft()
        assert isinstance(gap, Gap)
        before, stream.left_out = stream.left_out, stream.left_out + gap.windows
        if before < _FADES_AFTER <= stream.left_out and self._fades is not None:
            self._fades.fade(stream.detection)
        self._on_marks(stream, stream.segmenter.skip(gap))

    def _joined(self, windows: Sequence[Window]) -> FloatArray:
        """Return ``[n, 512]``, valid until the next call: allocating memory of this size costs more than filling it."""
        if len(windows) > len(self._batch):
            self._batch = np.empty((len(windows), WINDOW_SAMPLES), np.float32)
        joined = self._batch[: len(windows)]
        np.concatenate([window.samples for window in windows], out=joined.reshape(-1))
        return joined

    def _give_up(self, stream: Stream, windows: Sequence[Window]) -> None:
        stream.detection = self._detector.new_state()
        self._on_marks(stream, stream.segmenter.skip(Gap(windows[0].index, len(windows))))


def _checked(probabilities: FloatArray, count: int) -> list[float]:
    # NaN compares as less than any threshold: a broken detector would look like silence.
    if probabilities.shape != (count,) or not np.isfinite(probabilities).all():
        raise InferenceError(f"its output {probabilities!r} is not a probability for each of {count} windows")
    found: list[float] = probabilities.tolist()
    return found
