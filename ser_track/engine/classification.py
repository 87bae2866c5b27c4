"""Which segments wait for the classifier, and what becomes of its predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.engine.segmenter import Segment
from ser_track.engine.stream import Stream
from ser_track.errors import InferenceError
from ser_track.event_types import Emotion, Fault, StreamKey
from ser_track.labels import SIX, UNSURE
from ser_track.protocols import EmotionClassifier, Prediction
from ser_track.voice_profile import VoiceProfile


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationJob:
    """One segment of a stream to classify, or the part of it that is there so far."""

    stream: Stream
    start: int
    """Where the segment began, which may be before the audio to classify."""
    audio: Segment
    final: bool

    @property
    def key(self) -> StreamKey:
        """Of the stream."""
        return self.stream.key

    @property
    def span(self) -> tuple[int, int, int]:
        """Which stretch of which segment is classified: number, start, end."""
        return self.audio.number, self.audio.start, self.audio.end


class JobQueue:
    """Final jobs in order; of each stream at most one provisional, the newest."""

    def __init__(self) -> None:
        self._final: list[ClassificationJob] = []
        self._provisional: dict[StreamKey, ClassificationJob] = {}
        self.replaced = 0
        """Provisional jobs that a newer one, or the final one, made pointless."""

    def __len__(self) -> int:
        return len(self._final) + len(self._provisional)

    def put(self, job: ClassificationJob) -> None:
        """Queue ``job``; a provisional one of the same stream gives way."""
        self.replaced += job.key in self._provisional
        if job.final:
            self._provisional.pop(job.key, None)
            self._final.append(job)
        else:
            # In the place of the one it replaces: a stream whose job is renewed often must not wait forever.
            self._provisional[job.key] = job

    def take(self, provisional_limit: int | None) -> list[ClassificationJob]:
        """Every final job, then the ``provisional_limit`` provisional ones that wait longest (all if ``None``)."""
        taken, self._final = self._final, []
        oldest = list(islice(self._provisional, provisional_limit))
        return taken + [self._provisional.pop(key) for key in oldest]

    def remove(self, key: StreamKey) -> list[ClassificationJob]:
        """Take out what waits for ``key``, final ones too."""
        removed = [job for job in self._final if job.key == key]
        self._final = [job for job in self._final if job.key != key]
        provisional = self._provisional.pop(key, None)
        return removed if provisional is None else [*removed, provisional]


@dataclass(frozen=True, slots=True)
class Classification:
    """How results are made: the classifier, and what the configuration says of them."""

    classifier: EmotionClassifier
    min_confidence: float
    six_emotions: bool

    def classify(self, job: ClassificationJob) -> Emotion | Fault:
        """Run the classifier and make the event. Jobs of one stream must be classified in their order."""
        stream = job.stream
        if job.final and stream.latest_prediction is not None and stream.latest_prediction[0] == job.span:
            prediction: Prediction | Fault = stream.latest_prediction[1]  # made in the pause before the end
        else:
            prediction = self._predict(job)
        if isinstance(prediction, Fault):
            return prediction
        if job.audio.start == job.start:
            stream.latest_prediction = job.span, prediction
        if not job.final:
            prediction = stream.smoothing.smooth(job.audio.number, prediction)
        elif stream.voice is not None and prediction.embedding is not None:
            stream.voice.update(prediction.embedding)
        return self._emotion(job, prediction)

    def _predict(self, job: ClassificationJob) -> Prediction | Fault:
        """Run the classifier. What it raises becomes a `Fault` of this one segment, never silence."""
        try:
            return predict(self.classifier, job.audio.samples, job.stream.voice)
        except InferenceError as error:  # it concerns one segment and must not stop the others
            return Fault(job.key, "classifier_failed", str(error), job.audio.number)

    def _emotion(self, job: ClassificationJob, prediction: Prediction) -> Emotion:
        labels = self.classifier.labels
        every = _named(labels.names, prediction.probabilities)
        shown = {name: every[name] for name in labels.shown}
        likeliest = max(shown, key=shown.__getitem__)
        confidence = shown[likeliest]
        six = _named(SIX.names, prediction.six) if self.six_emotions and prediction.six is not None else None
        return Emotion(
            key=job.key,
            segment=job.audio.number,
            start_s=job.start / SAMPLE_RATE_HZ,
            end_s=job.audio.end / SAMPLE_RATE_HZ,
            final=job.final,
            probabilities=shown,
            label=likeliest if confidence >= self.min_confidence else UNSURE,
            confidence=confidence,
            model=self.classifier.name,
            six=six,
            all=every if len(shown) < len(every) else None,
        )


def predict(classifier: EmotionClassifier, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
    """What ``classifier`` says of ``samples`` ``[n]``, checked: it may be anybody's.

    Raises:
        InferenceError: whatever it raised, or its answer is not a distribution over its labels; the model is named.
    """
    try:
        prediction = classifier.classify(samples, voice)
        _require_distribution(prediction.probabilities, len(classifier.labels))
        if prediction.six is not None:
            _require_distribution(prediction.six, len(SIX))
    except Exception as error:  # somebody else's code may raise anything
        raise InferenceError(f"{classifier.name}: {str(error) or type(error).__name__}") from error
    return prediction


def _named(names: Sequence[str], shares: FloatArray) -> dict[str, float]:
    return dict(zip(names, map(float, shares), strict=True))


def _require_distribution(probabilities: FloatArray, count: int) -> None:
    fits = probabilities.shape == (count,) and np.isclose(probabilities.sum(), 1, atol=1e-3)
    if not fits or probabilities.min() < 0:
        raise InferenceError(f"its output {probabilities!r} is not a distribution over its {count} labels")
