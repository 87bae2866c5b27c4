"""What the engine holds of one stream, and the voice detector's way through the windows of many."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.engine.segmenter import Mark, Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.windows import Gap, Window, WindowBuffer
from ser_track.errors import InferenceError
from ser_track.events import EngineEvent, StreamKey
from ser_track.protocols import DetectorState, Prediction, VoiceDetector
from ser_track.voice_profile import VoiceProfile

_SHORTEST_RUN: Final = 16
"""From so many windows on, a run costs no more per window than a batch of as many streams."""
_LONGEST_RUN: Final = 128
"""Longer runs cost more again: what the network works on is then too large to be kept near the processor."""


@dataclass(slots=True)
class Stream:
    """One participant's stream, from its samples to what is known of the voice."""

    key: StreamKey
    windows: WindowBuffer
    segmenter: Segmenter
    detection: DetectorState
    voice: VoiceProfile | None
    steady: Smoothing
    events: list[EngineEvent] = field(default_factory=list)
    """What happened since the last tick that came to its end."""
    whole: tuple[tuple[int, int, int], Prediction] | None = None
    """The latest judgement of all of a segment, and its span: if nothing is added, it is the final one too."""


class VadBatches:
    """Takes windows through the detector and on to the segmenters: one of each stream, or many of one."""

    def __init__(self, detector: VoiceDetector, note: Callable[[Stream, Iterable[Mark]], None]) -> None:
        """``note`` is told what became of a stream's segments."""
        self._detector = detector
        self._note = note
        self._batch = np.empty((0, WINDOW_SAMPLES), np.float32)

    def advance(self, streams: Collection[Stream]) -> None:
        """Work through all that ``streams`` hold.

        Raises:
            InferenceError: the detector failed. The windows of that call count as a gap; their streams begin anew with
                the detector.
        """
        waiting = [stream for stream in streams if stream.windows.ready]
        for stream in waiting:
            while len(stream.windows.ready) >= _SHORTEST_RUN:
                self._advance_run(stream)
        while waiting := [stream for stream in waiting if stream.windows.ready]:
            self._advance_all(waiting)

    def _advance_run(self, stream: Stream) -> None:
        """By all windows of ``stream`` up to a gap, or by the gap."""
        run = stream.windows.pop_run(_LONGEST_RUN)
        if not run:
            self._skip_gap(stream)
            return
        try:
            probabilities = _checked(self._detector.detect_run(self._joined(run), stream.detection), len(run))
        except Exception as error:  # whatever a model raises
            self._give_up(stream, run)
            raise InferenceError(f"voice detector: {error}") from error
        self._hear([stream] * len(run), run, probabilities)

    def _advance_all(self, waiting: Sequence[Stream]) -> None:
        """By one window, or one gap, of each."""
        heard, windows = list[Stream](), list[Window]()
        for stream in waiting:
            if isinstance(item := stream.windows.ready[0], Window):
                stream.windows.ready.popleft()
                heard.append(stream)
                windows.append(item)
            else:
                self._skip_gap(stream)
        if not heard:
            return
        try:
            states = [stream.detection for stream in heard]
            probabilities = _checked(self._detector.detect(self._joined(windows), states), len(heard))
        except Exception as error:  # whatever a model raises
            for stream, window in zip(heard, windows, strict=True):
                self._give_up(stream, [window])
            raise InferenceError(f"voice detector: {error}") from error
        self._hear(heard, windows, probabilities)

    def _hear(self, streams: Sequence[Stream], windows: Sequence[Window], probabilities: Sequence[float]) -> None:
        for stream, window, probability in zip(streams, windows, probabilities, strict=True):
            if marks := stream.segmenter.push(window, probability):
                self._note(stream, marks)

    def _skip_gap(self, stream: Stream) -> None:
        # The detector keeps its memory over a gap: measured on CREMA-D with 64 to 512 ms missing, 1 to 3 %
        # of its decisions then differ from those without loss; 10 to 11 % when it begins anew.
        gap = stream.windows.ready.popleft()
        assert isinstance(gap, Gap)
        self._note(stream, stream.segmenter.skip(gap))

    def _joined(self, windows: Sequence[Window]) -> FloatArray:
        """``[n, 512]``, good until the next call: to get new memory of this size costs more than to fill it."""
        if len(windows) > len(self._batch):
            self._batch = np.empty((len(windows), WINDOW_SAMPLES), np.float32)
        joined = self._batch[: len(windows)]
        np.concatenate([window.samples for window in windows], out=joined.reshape(-1))
        return joined

    def _give_up(self, stream: Stream, windows: Sequence[Window]) -> None:
        stream.detection = self._detector.new_state()
        self._note(stream, stream.segmenter.skip(Gap(windows[0].index, len(windows))))


def _checked(probabilities: FloatArray, count: int) -> list[float]:
    # NaN compares as less than any threshold: a broken detector would pass for silence.
    if probabilities.shape != (count,) or not np.isfinite(probabilities).all():
        raise InferenceError(f"its answer {probabilities!r} is no probability for each of {count} windows")
    found: list[float] = probabilities.tolist()
    return found
