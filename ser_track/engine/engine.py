"""The engine: samples of any number of streams in, events out, one VAD call per step over all of them."""

from collections.abc import Iterable
from typing import NamedTuple

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.config.schema import PipelineConfig
from ser_track.engine.classification import Classification, Request, RequestQueue
from ser_track.engine.segmenter import Closed, Growing, Mark, Opened, Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.vad_batches import Stream, VadBatches
from ser_track.engine.windows import WindowBuffer
from ser_track.events import Emotion, EndReason, EngineEvent, Fault, SpeechEnded, SpeechStarted, StreamKey
from ser_track.protocols import EmotionClassifier, Prediction, VoiceDetector


class Question(NamedTuple):
    """A classification to do, with what its stream has been found to be like so far."""

    stream: Stream
    request: Request


class Engine:
    """Pure and synchronous: no clock, no threads. Time is the sample index of each stream.

    ``push`` only stores; ``tick`` does the work and returns what happened. Not safe for several threads at once.
    """

    def __init__(self, detector: VoiceDetector, classifier: EmotionClassifier, config: PipelineConfig) -> None:
        self._detector = detector
        self._listening = VadBatches(detector, self._note)
        self._hearing = Classification(classifier, config.min_confidence, config.six_emotions)
        self._config = config
        self._streams: dict[StreamKey, Stream] = {}
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
        steady = Smoothing(self._config.provisional_smoothing)
        self._streams[key] = Stream(key, WindowBuffer(), segmenter, detection, voice, steady)

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        """Store ``chunk``: finite mono samples ``[n]`` at 16 kHz, with the index of the first in the stream.

        A jump ahead is a gap and counts as silence; samples from the past are dropped.

        Raises:
            KeyError: the stream was not opened.
        """
        if late := self._streams[key].windows.push(chunk):
            self.late_samples += late

    def tick(self, provisional_limit: int | None = None) -> list[EngineEvent]:
        """Work through all that was pushed; ``provisional_limit`` bounds the provisional results of this tick.

        Raises:
            InferenceError: the voice detector failed. The windows of that call count as a gap, their streams begin
                anew with the detector, and what happened before is returned by the next tick.
        """
        events, questions = self.advance(provisional_limit)
        return events + [self.answer(question) for question in questions]

    def advance(self, provisional_limit: int | None = None) -> tuple[list[EngineEvent], list[Question]]:
        """What `tick` does without the classifier: events, and what is left to be answered. Raises what `tick` does."""
        streams = list(self._streams.values())
        self._listening.advance(streams)
        events: list[EngineEvent] = []
        for stream in streams:
            if stream.events:
                events += stream.events
                stream.events.clear()
        return events, self._questions(self._requests.take(provisional_limit))

    def flush(self, key: StreamKey) -> list[EngineEvent]:
        """Everything still open in ``key``, which is then closed and forgotten. Other streams do not move.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed; the stream is forgotten all the same.
        """
        events, questions = self.finish(key)
        return events + [self.answer(question) for question in questions]

    def finish(self, key: StreamKey) -> tuple[list[EngineEvent], list[Question]]:
        """What `flush` does without the classifier: events, and what is left to be answered. Raises as `flush` does."""
        stream = self._streams[key]
        try:
            stream.windows.flush()
            self._listening.advance([stream])
            self._note(stream, stream.segmenter.close("flush"))
            return stream.events, self._questions(self._requests.remove(key))
        finally:
            self.discard(key)

    def pause(self, key: StreamKey, reason: EndReason = "stalled") -> None:
        """No more audio of ``key`` arrives for now: close its open segment. Audio that comes later is a new segment.

        With the reason ``silence`` it is known that nothing was left unsent: the window still open is completed.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed.
        """
        stream = self._streams[key]
        if reason == "silence":
            stream.windows.flush()
        self._listening.advance([stream])
        self._note(stream, stream.segmenter.close(reason))

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` with all that was held of it."""
        self._streams.pop(key, None)
        self._requests.remove(key)

    def answer(self, question: Question) -> Emotion | Fault:
        """Run the classifier. Those of one stream must be answered in their order; on which thread does not matter."""
        stream, request = question
        if request.final and stream.whole is not None and stream.whole[0] == request.span:
            judgement: Prediction | Fault = stream.whole[1]  # made in the pause before the end
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

    def _questions(self, requests: Iterable[Request]) -> list[Question]:
        return [Question(self._streams[request.key], request) for request in requests]

    def _note(self, stream: Stream, marks: Iterable[Mark]) -> None:
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
