"""Which segments wait for the classifier, and what becomes of its answer."""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from ser_track.errors import InferenceError
from ser_track.ports import EmotionClassifier
from ser_track.types import SAMPLE_RATE_HZ, Emotion, Fault, FloatArray, Segment, StreamKey


@dataclass(frozen=True, slots=True)
class Request:
    """One classification to do; ``start`` is where the segment began, which may be before the audio to be heard."""

    key: StreamKey
    start: int
    heard: Segment
    final: bool

    def same_audio(self, result: Emotion) -> bool:
        """Whether ``result`` heard just this stretch of this segment."""
        span = self.heard.start / SAMPLE_RATE_HZ, self.heard.end / SAMPLE_RATE_HZ
        return result.segment == self.heard.number and (result.start_s, result.end_s) == span


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


def answer(classifier: EmotionClassifier, request: Request) -> Emotion | Fault:
    """Run the classifier on ``request``. What it raises becomes a `Fault` of this one segment, never silence."""
    try:
        probabilities = classifier.classify(request.heard.samples)
        _require_distribution(probabilities, len(classifier.labels))
    except Exception as error:  # whatever a model raises concerns one segment and must not stop the others
        reason = str(error) or type(error).__name__
        return Fault(request.key, "classifier_failed", f"{classifier.name}: {reason}", request.heard.number)
    top = int(probabilities.argmax())
    return Emotion(
        key=request.key,
        segment=request.heard.number,
        start_s=request.start / SAMPLE_RATE_HZ,
        end_s=request.heard.end / SAMPLE_RATE_HZ,
        final=request.final,
        probabilities=dict(zip(classifier.labels, map(float, probabilities), strict=True)),
        label=classifier.labels[top],
        confidence=float(probabilities[top]),
        model=classifier.name,
    )


def _require_distribution(probabilities: FloatArray, count: int) -> None:
    fits = probabilities.shape == (count,) and np.isclose(probabilities.sum(), 1, atol=1e-3)
    if not fits or probabilities.min() < 0:
        raise InferenceError(f"its answer {probabilities!r} is no distribution over {count} emotions")
