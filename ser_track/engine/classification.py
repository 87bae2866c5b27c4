"""Which segments wait for the classifier, and what becomes of its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.engine.segmenter import Segment
from ser_track.errors import InferenceError
from ser_track.events import Emotion, Fault, StreamKey
from ser_track.labels import SIX, UNSURE
from ser_track.protocols import EmotionClassifier, Prediction
from ser_track.voice_profile import VoiceProfile


@dataclass(frozen=True, slots=True)
class Request:
    """One classification to do; ``start`` is where the segment began, which may be before the audio to be heard."""

    key: StreamKey
    start: int
    heard: Segment
    final: bool

    @property
    def span(self) -> tuple[int, int, int]:
        """Which stretch of which segment is to be heard: number, start, end."""
        return self.heard.number, self.heard.start, self.heard.end


class RequestQueue:
    """Final requests in order; of each stream at most one provisional, the newest."""

    def __init__(self) -> None:
        self._final: list[Request] = []
        self._provisional: dict[StreamKey, Request] = {}
        self.replaced = 0
        """Provisional requests that a newer one, or the final one, made pointless."""

    def __len__(self) -> int:
        return len(self._final) + len(self._provisional)

    def put(self, request: Request) -> None:
        """Queue ``request``; a provisional one of the same stream gives way."""
        self.replaced += request.key in self._provisional
        if request.final:
            self._provisional.pop(request.key, None)
            self._final.append(request)
        else:
            # In the place of the one it replaces: who is renewed often must not wait forever.
            self._provisional[request.key] = request

    def take(self, provisional_limit: int | None) -> list[Request]:
        """Every final request, then the ``provisional_limit`` provisional ones that wait longest (all if ``None``)."""
        taken, self._final = self._final, []
        oldest = list(islice(self._provisional, provisional_limit))
        return taken + [self._provisional.pop(key) for key in oldest]

    def remove(self, key: StreamKey) -> list[Request]:
        """Take out what waits for ``key``, final ones too."""
        removed = [request for request in self._final if request.key == key]
        self._final = [request for request in self._final if request.key != key]
        provisional = self._provisional.pop(key, None)
        return removed if provisional is None else [*removed, provisional]


@dataclass(frozen=True, slots=True)
class Classification:
    """How results are made: the classifier, and what the configuration says of them."""

    classifier: EmotionClassifier
    min_confidence: float
    six_emotions: bool

    def judge(self, request: Request, voice: VoiceProfile | None) -> Prediction | Fault:
        """Run the classifier. What it raises becomes a `Fault` of this one segment, never silence."""
        try:
            return predict(self.classifier, request.heard.samples, voice)
        except InferenceError as error:  # it concerns one segment and must not stop the others
            return Fault(request.key, "classifier_failed", str(error), request.heard.number)

    def emotion(self, request: Request, judgement: Prediction) -> Emotion:
        """The event of a judgement."""
        labels = self.classifier.labels
        every = _named(labels.names, judgement.probabilities)
        shown = {name: every[name] for name in labels.shown}
        likeliest = max(shown, key=shown.__getitem__)
        confidence = shown[likeliest]
        six = _named(SIX.names, judgement.six) if self.six_emotions and judgement.six is not None else None
        return Emotion(
            key=request.key,
            segment=request.heard.number,
            start_s=request.start / SAMPLE_RATE_HZ,
            end_s=request.heard.end / SAMPLE_RATE_HZ,
            final=request.final,
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
        raise InferenceError(f"its answer {probabilities!r} is not a distribution over its {count} labels")
