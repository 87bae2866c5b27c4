"""The engine: samples of any number of streams in, events out, one VAD call per step over all of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ser_track.config import PipelineConfig
from ser_track.core.classify import Hearing, Request, RequestQueue
from ser_track.core.segmenter import Closed, Growing, Mark, Opened, Segmenter
from ser_track.core.steady import Steady
from ser_track.core.windows import Gap, Window, WindowBuffer
from ser_track.errors import InferenceError
from ser_track.ports import EmotionClassifier, VoiceDetector, VoiceState
from ser_track.types import (
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    Emotion,
    EngineEvent,
    Fault,
    FloatArray,
    Judgement,
    SpeechEnded,
    SpeechStarted,
    StreamKey,
)
from ser_track.voice import Voice


@dataclass(slots=True)
class _Stream:
    key: StreamKey
    windows: WindowBuffer
    segmenter: Segmenter
    detection: VoiceState
    voice: Voice | None
    steady: Steady
    events: list[EngineEvent] = field(default_factory=list)
    """What happened since the last tick that came to its end."""
    whole: tuple[tuple[int, int, int], Judgement] | None = None
    """The latest judgement of all of a segment, and its span: if nothing is added, it is the final one too."""


class Engine:
    """Pure and synchronous: no clock, no threads. Time is the sample index of each stream.

    ``push`` only stores; ``tick`` does the work and returns what happened. Not safe for several threads at once.
    """

    def __init__(self, detector: VoiceDetector, classifier: EmotionClassifier, config: PipelineConfig) -> None:
        self._detector = detector
        self._hearing = Hearing(classifier, config.min_confidence, config.six_emotions)
        self._config = config
        self._streams: dict[StreamKey, _Stream] = {}
        self._requests = RequestQueue()
        self.late_samples = 0
        """Samples of all streams that came for a time already passed, and were dropped."""

    @property
    def queue_length(self) -> int:
        """Classifications that wait."""
        return len(self._requests)

    @property
    def replaced(self) -> int:
        """Provisional classifications that were never done because a newer one came."""
        return self._requests.replaced

    def __contains__(self, key: StreamKey) -> bool:
        """Whether the stream is open."""
        return key in self._streams

    def open(self, key: StreamKey) -> None:
        """Begin a stream, forgetting an earlier one of the same key."""
        self.discard(key)
        voice = self._hearing.classifier.new_voice() if self._config.voice_adaptation else None
        segmenter, detection = Segmenter(self._config), self._detector.new_state()
        steady = Steady(self._config.provisional_smoothing)
        self._streams[key] = _Stream(key, WindowBuffer(), segmenter, detection, voice, steady)

    def push(self, key: StreamKey, samples: FloatArray, at: int) -> None:
        """Store finite mono ``samples`` ``[n]`` at 16 kHz, the first at index ``at`` of the stream.

        A jump ahead is a gap and counts as silence; samples from the past are dropped.

        Raises:
            KeyError: the stream was not opened.
        """
        self.late_samples += self._streams[key].windows.push(samples, at)

    def tick(self, provisional_limit: int | None = None) -> list[EngineEvent]:
        """Work through all that was pushed; ``provisional_limit`` bounds the provisional results of this tick.

        Raises:
            InferenceError: the voice detector failed. The windows of that step count as a gap, their streams begin
                anew with the detector, and what happened before is returned by the next tick.
        """
        streams = list(self._streams.values())
        self._advance(streams)
        events: list[EngineEvent] = []
        for stream in streams:
            events += stream.events
            stream.events.clear()
        events += [self._answer(request) for request in self._requests.take(provisional_limit)]
        return events

    def closing(self, within_s: float) -> list[StreamKey]:
        """Streams in a pause that ends their segment ``within_s`` seconds from now, unless voice comes back."""
        most = within_s * SAMPLE_RATE_HZ / WINDOW_SAMPLES
        left = ((key, stream.segmenter.windows_to_close) for key, stream in self._streams.items())
        return [key for key, windows in left if windows is not None and windows <= most]

    def flush(self, key: StreamKey) -> list[EngineEvent]:
        """Everything still open in ``key``, which is then closed and forgotten. Other streams do not move.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed; the stream is forgotten all the same.
        """
        stream = self._streams[key]
        try:
            stream.windows.flush()
            self._advance([stream])
            self._note(stream, stream.segmenter.close("flush"))
            return stream.events + [self._answer(request) for request in self._requests.remove(key)]
        finally:
            self.discard(key)

    def pause(self, key: StreamKey) -> None:
        """No more audio of ``key`` arrives for now: close its open segment. Audio that comes later is a new segment.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed.
        """
        stream = self._streams[key]
        self._advance([stream])
        self._note(stream, stream.segmenter.close("stalled"))

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` with all that was held of it."""
        self._streams.pop(key, None)
        self._requests.remove(key)

    def _advance(self, streams: Collection[_Stream]) -> None:
        """Work through all that ``streams`` hold, one window of each at a time."""
        while step := [(stream, item) for stream in streams if (item := stream.windows.pop()) is not None]:
            heard: list[tuple[_Stream, Window]] = []
            for stream, item in step:
                if isinstance(item, Window):
                    heard.append((stream, item))
                else:
                    # The detector keeps its memory over a gap: measured on CREMA-D with 64 to 512 ms missing, 1 to 3 %
                    # of its decisions then differ from those without loss; 10 to 11 % when it begins anew.
                    self._note(stream, stream.segmenter.skip(item))
            if heard:
                for (stream, window), probability in zip(heard, self._detect(heard), strict=True):
                    self._note(stream, stream.segmenter.push(window, probability))

    def _detect(self, heard: Sequence[tuple[_Stream, Window]]) -> list[float]:
        windows = np.stack([window.samples for _, window in heard])
        try:
            probabilities = self._detector.detect(windows, [stream.detection for stream, _ in heard])
            _require_probabilities(probabilities, len(heard))
        except Exception as error:  # whatever a model raises
            for stream, window in heard:
                stream.detection = self._detector.new_state()
                self._note(stream, stream.segmenter.skip(Gap(window.index, 1)))
            raise InferenceError(f"voice detector: {error}") from error
        return [float(probability) for probability in probabilities]

    def _answer(self, request: Request) -> Emotion | Fault:
        stream = self._streams[request.key]
        if request.final and stream.whole is not None and stream.whole[0] == request.span:
            judgement: Judgement | Fault = stream.whole[1]  # made in the pause before the end
        else:
            judgement = self._hearing.judge(request, stream.voice)
        if isinstance(judgement, Fault):
            return judgement
        if request.heard.start == request.start:
            stream.whole = request.span, judgement
        if request.final:
            if stream.voice is not None and judgement.embedding is not None:
                stream.voice.hear(judgement.embedding)
            return self._hearing.emotion(request, judgement)
        return self._hearing.emotion(request, stream.steady.settle(request.heard.number, judgement))

    def _note(self, stream: _Stream, marks: Iterable[Mark]) -> None:
        for mark in marks:
            match mark:
                case Opened(number, start):
                    stream.events.append(SpeechStarted(stream.key, number, start / SAMPLE_RATE_HZ))
                case Growing(start, latest):
                    self._requests.put(Request(stream.key, start, latest, final=False))
                case Closed(segment, reason, kept):
                    span = segment.start / SAMPLE_RATE_HZ, segment.end / SAMPLE_RATE_HZ
                    stream.events.append(SpeechEnded(stream.key, segment.number, *span, reason, kept))
                    if kept:
                        self._requests.put(Request(stream.key, segment.start, segment, final=True))


def _require_probabilities(probabilities: FloatArray, count: int) -> None:
    # NaN compares as less than any threshold: a broken detector would pass for silence.
    if probabilities.shape != (count,) or not np.isfinite(probabilities).all():
        raise InferenceError(f"its answer {probabilities!r} is no probability for each of {count} windows")
