"""Queues segments for the classifier and turns its predictions into events."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.engine.stream import ClassificationJob
from ser_track.errors import InferenceError
from ser_track.event_types import Emotion, Fault, StreamKey
from ser_track.labels import SIX, UNSURE
from ser_track.protocols import EmotionClassifier, Prediction
from ser_track.voice_profile import VoiceProfile


class JobQueue:
    """The jobs of one tick: final ones in order, and at most one provisional job per stream, the newest."""

    def __init__(self) -> None:
        self._final: list[ClassificationJob] = []
        self._provisional: dict[StreamKey, ClassificationJob] = {}
        self.provisional_due = 0
        """Provisional jobs that were put."""
        self.replaced = 0
        """Provisional jobs that were replaced by a newer one, or by the final one."""

    def __len__(self) -> int:
        return len(self._final) + len(self._provisional)

    def put(self, job: ClassificationJob) -> None:
        """Queue ``job``; it replaces a provisional job of the same stream."""
        self.replaced += job.key in self._provisional
        self.provisional_due += not job.final
        if job.final:
            self._provisional.pop(job.key, None)
            self._final.append(job)
        else:
            self._provisional[job.key] = job

    def take(self, provisional: bool) -> list[ClassificationJob]:
        """Take every final job, then every provisional one; without ``provisional``, drop these."""
        taken = [*self._final, *(self._provisional.values() if provisional else ())]
        self._final, self._provisional = [], {}
        return taken

    def remove(self, key: StreamKey) -> list[ClassificationJob]:
        """Remove the jobs that wait for ``key``, including final ones."""
        removed = [job for job in self._final if job.key == key]
        self._final = [job for job in self._final if job.key != key]
        provisional = self._provisional.pop(key, None)
        return removed if provisional is None else [*removed, provisional]


@dataclass(frozen=True, slots=True)
class Classification:
    """Makes results with the classifier, as the configuration says."""

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
        known = _known(stream.voice, prediction)  # before this segment is added
        if not job.final:
            prediction = stream.smoothing.smooth(job.audio.number, prediction)
        else:
            learn(stream.voice, prediction)
        return self._emotion(job, prediction, known)

    def _predict(self, job: ClassificationJob) -> Prediction | Fault:
        """Run the classifier. An error becomes a `Fault` of this one segment; it is never ignored."""
        try:
            return predict(self.classifier, job.audio.samples, job.stream.voice)
        except InferenceError as error:  # it concerns one segment and must not stop the others
            return Fault(job.key, "classifier_failed", str(error), job.audio.number)

    def _emotion(self, job: ClassificationJob, prediction: Prediction, voice_known: float | None) -> Emotion:
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
            voice_known=voice_known,
        )


def predict(classifier: EmotionClassifier, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
    """Return the prediction of ``classifier`` for ``samples`` ``[n]``, checked: the classifier may be third-party code.

    Raises:
        InferenceError: it raised an error, or its answer is not a distribution over its labels; names the model.
    """
    try:
        prediction = classifier.classify(samples, voice)
        _require_distribution(prediction.probabilities, len(classifier.labels))
        if prediction.six is not None:
            _require_distribution(prediction.six, len(SIX))
    except Exception as error:  # third-party code may raise anything
        raise InferenceError(f"{classifier.name}: {str(error) or type(error).__name__}") from error
    return prediction


def learn(voice: VoiceProfile | None, prediction: Prediction) -> None:
    """Add a finished segment to its ``voice``, from the prediction that was made with what was known before it.

    A classifier that gives no evidence but an embedding teaches with that; one with neither does not adapt to voices.
    """
    if voice is None:
        return
    if prediction.evidence is not None:
        voice.update(*prediction.evidence)
    elif prediction.embedding is not None:
        voice.update(prediction.embedding)


def _known(voice: VoiceProfile | None, prediction: Prediction) -> float | None:
    """How well the ``voice`` is known; ``None`` if the model does not adapt: without embeddings it learns no voice."""
    return None if voice is None or (prediction.evidence is None and prediction.embedding is None) else voice.known


def _named(names: Sequence[str], shares: FloatArray) -> dict[str, float]:
    return dict(zip(names, map(float, shares), strict=True))


def _require_distribution(probabilities: FloatArray, count: int) -> None:
    fits = probabilities.shape == (count,) and np.isclose(probabilities.sum(), 1, atol=1e-3)
    if not fits or probabilities.min() < 0:
        raise InferenceError(f"its output {probabilities!r} is not a distribution over its {count} labels")
