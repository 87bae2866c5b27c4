"""The joints: what the engine needs from a model, and what takes events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ser_track.chunk import FloatArray
from ser_track.event_types import EncodedEvent
from ser_track.labels import LabelSet
from ser_track.voice_profile import VoiceProfile


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a classifier makes of one segment: a distribution ``[C]`` over its labels, and two things if it can."""

    probabilities: FloatArray
    six: FloatArray | None = None
    """Distribution ``[6]`` over the labels of `SIX`, of its own; for ``pipeline.six_emotions``."""
    embedding: FloatArray | None = None
    """``[size]``, before anything known of the voice was taken off it: what the voice's statistics are made of."""


class DetectorState(Protocol):
    """What a detector remembers of one stream; opaque to everyone but the detector that made it."""


class VoiceDetector(Protocol):
    """Voice activity detection over 32 ms windows, batched over streams.

    >>> class Loudness:
    ...     def new_state(self):
    ...         return None  # it remembers nothing
    ...     def detect(self, windows, states):
    ...         return (np.abs(windows).mean(axis=1) > 0.01).astype(np.float32)
    ...     def detect_run(self, windows, state):
    ...         return self.detect(windows, [state] * len(windows))
    >>> models = Models(Loudness(), load_models(PipelineConfig()).classifier)
    >>> with SERPipeline(models=models) as pipeline:
    ...     emotions = pipeline.consume(np.fromfile("call.f32", np.float32))
    >>> list(emotions)
    ['anger', 'happiness', 'sadness', 'neutral']
    """

    def new_state(self) -> DetectorState:
        """State of a stream of which nothing was heard yet."""
        ...

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``, one per stream; advances ``states`` in place.

        ``windows`` may be changed after the call: what is to be remembered of them must be copied.
        """
        ...

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """The same of ``n`` windows of one stream, one after the other, as if each were given to `detect` in turn."""
        ...


class EmotionClassifier(Protocol):
    """Speech emotion recognition of one segment.

    >>> class Undecided:
    ...     name = "undecided@1"
    ...     labels = LabelSet.of(["anger", "happiness", "sadness", "neutral"])
    ...     def new_voice(self):
    ...         return None  # it does not adapt to voices
    ...     def classify(self, samples, voice=None):
    ...         return Prediction(probabilities=np.full(4, 0.25, np.float32))
    >>> models = Models(load_models(PipelineConfig()).detector, Undecided())
    >>> with SERPipeline(models=models) as pipeline:
    ...     print(pipeline.consume(np.fromfile("call.f32", np.float32)))
    {'anger': 0.25, 'happiness': 0.25, 'sadness': 0.25, 'neutral': 0.25}
    """

    @property
    def name(self) -> str:
        """Name and version, as events carry it: ``name@version``."""
        ...

    @property
    def labels(self) -> LabelSet:
        """Meaning of each probability, in order, and how it is shown."""
        ...

    def new_voice(self) -> VoiceProfile | None:
        """Statistics of a participant of whom nothing was heard yet; ``None`` if this model knows no voices."""
        ...

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Judge ``samples`` ``[n]`` at 16 kHz, with what is known of the ``voice``, which is not changed."""
        ...


class Sink(Protocol):
    """Anything that takes events: a file, a data channel, an event log, a table."""

    def put(self, event: EncodedEvent) -> None:
        """Take one event. Events of one stream come in the order in which they happened."""
        ...
