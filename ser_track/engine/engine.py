"""The engine: samples of any number of streams in, events out, one VAD call per step over all of them."""

from collections.abc import Iterable

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.config.schema import PipelineConfig
from ser_track.engine.classification import Classification, JobQueue
from ser_track.engine.segmenter import Closed, Growing, Mark, Opened, Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.stream import ClassificationJob, Stream
from ser_track.engine.vad_batches import VadBatches
from ser_track.engine.windows import WindowBuffer
from ser_track.event_types import Emotion, EndReason, EngineEvent, Fault, SpeechEnded, SpeechStarted, StreamKey
from ser_track.protocols import EmotionClassifier, VoiceDetector


class Engine:
    """Pure and synchronous: no clock, no threads. Time is the sample index of each stream.

    ``push`` only stores; ``tick`` does the work and returns what happened. Not safe for several threads at once.
    """

    def __init__(self, detector: VoiceDetector, classifier: EmotionClassifier, config: PipelineConfig) -> None:
        self._detector = detector
        self._vad_batches = VadBatches(detector, self._take_marks)
        self._classification = Classification(classifier, config.min_confidence, config.six_emotions)
        self._config = config
        self._streams: dict[StreamKey, Stream] = {}
        self._jobs = JobQueue()
        self.speaking: set[StreamKey] = set()
        """The streams with an open segment."""
        self.late_samples = 0
        """Samples of all streams that were dropped because their time had already passed."""

    @property
    def queue_length(self) -> int:
        """Number of classifications that wait."""
        return len(self._jobs)

    @property
    def provisional_due(self) -> int:
        """Provisional classifications that became due, whether they were done or not."""
        return self._jobs.provisional_due

    @property
    def replaced(self) -> int:
        """Provisional classifications that were never done because a newer one came."""
        return self._jobs.replaced

    def __contains__(self, key: StreamKey) -> bool:
        """Whether the stream is open."""
        return key in self._streams

    def open(self, key: StreamKey) -> None:
        """Begin a stream, forgetting an earlier one of the same key."""
        self.discard(key)
        voice = self._classification.classifier.new_voice() if self._config.voice_adaptation else None
        segmenter, detection = Segmenter(self._config), self._detector.new_state()
        smoothing = Smoothing(self._config.provisional_smoothing)
        self._streams[key] = Stream(key, WindowBuffer(), segmenter, detection, voice, smoothing)

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        """Store ``chunk``: finite mono samples ``[n]`` at 16 kHz, with the index of the first in the stream.

        A jump ahead is a gap and counts as silence; samples from the past are dropped.

        Raises:
            KeyError: the stream was not opened.
        """
        if late := self._streams[key].windows.push(chunk):
            self.late_samples += late

    def tick(self, provisional: bool = True) -> list[EngineEvent]:
        """Process all pushed samples; make provisional results only with ``provisional``.

        Raises:
            InferenceError: the voice detector failed. The windows of that call count as a gap, their streams
                restart in the detector, and the next tick returns the earlier events.
        """
        events, jobs = self.advance(provisional)
        return events + [self.classify(job) for job in jobs]

    def advance(self, provisional: bool = True) -> tuple[list[EngineEvent], list[ClassificationJob]]:
        """Do what `tick` does without the classifier: return events and the jobs to `classify`. Raises as `tick`."""
        streams = list(self._streams.values())
        self._vad_batches.advance(streams)
        events: list[EngineEvent] = []
        for stream in streams:
            if stream.events:
                events += stream.events
                stream.events.clear()
        return events, self._jobs.take(provisional)

    def flush(self, key: StreamKey) -> list[EngineEvent]:
        """Return the remaining events of ``key``, then close and forget it. Other streams do not advance.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed; the stream is forgotten all the same.
        """
        events, jobs = self.finish(key)
        return events + [self.classify(job) for job in jobs]

    def finish(self, key: StreamKey) -> tuple[list[EngineEvent], list[ClassificationJob]]:
        """Do what `flush` does without the classifier: return events and the jobs to `classify`. Raises as `flush`."""
        stream = self._streams[key]
        try:
            stream.windows.flush()
            self._vad_batches.advance([stream])
            self._take_marks(stream, stream.segmenter.close("flush"))
            return stream.events, self._jobs.remove(key)
        finally:
            self.discard(key)

    def pause(self, key: StreamKey, reason: EndReason = "stalled") -> None:
        """No more audio of ``key`` arrives for now: close its open segment. Audio that comes later is a new segment.

        The reason ``silence`` means that the sender has sent everything it had: the open window is then completed.

        Raises:
            KeyError: the stream was not opened.
            InferenceError: the voice detector failed.
        """
        stream = self._streams[key]
        if reason == "silence":
            stream.windows.flush()
        self._vad_batches.advance([stream])
        self._take_marks(stream, stream.segmenter.close(reason))

    def discard(self, key: StreamKey) -> None:
        """Forget ``key`` and everything buffered for it."""
        self._streams.pop(key, None)
        self.speaking.discard(key)
        self._jobs.remove(key)

    def classify(self, job: ClassificationJob) -> Emotion | Fault:
        """Run ``job``. Jobs of one stream must run in order; any thread may run them."""
        return self._classification.classify(job)

    def _take_marks(self, stream: Stream, marks: Iterable[Mark]) -> None:
        for mark in marks:
            match mark:
                case Opened(number, start):
                    self.speaking.add(stream.key)
                    stream.events.append(SpeechStarted(stream.key, number, start / SAMPLE_RATE_HZ))
                case Growing(start, latest, in_pause):
                    self._jobs.put(ClassificationJob(stream, start, latest, final=False, in_pause=in_pause))
                case Closed(segment, reason, kept):
                    self.speaking.discard(stream.key)
                    span = segment.start / SAMPLE_RATE_HZ, segment.end / SAMPLE_RATE_HZ
                    stream.events.append(SpeechEnded(stream.key, segment.number, *span, reason, kept))
                    if kept:
                        self._jobs.put(ClassificationJob(stream, segment.start, segment, final=True))
