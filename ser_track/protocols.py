"""The interfaces that the engine needs from models, and that sinks of events implement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ser_track.chunk import FloatArray
from ser_track.event_types import EncodedEvent
from ser_track.labels import LabelSet
from ser_track.voice_profile import VoiceEvidence, VoiceProfile


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """A classifier's result for one segment: a distribution ``[C]`` over its labels, and optional fields."""

    probabilities: FloatArray
    six: FloatArray | None = None
    """Separate distribution ``[6]`` over the labels of `SIX`, for ``pipeline.six_emotions``."""
    embedding: FloatArray | None = None
    """``[size]``, before adaptation to the voice: for heads of your own (docs/extending.md)."""
    evidence: VoiceEvidence | None = None
    """What the segment says about its voice: `VoiceProfile.update` takes it once the segment is finished."""


class DetectorState(Protocol):
    """A detector's state of one stream; opaque to everyone but that detector."""


class VoiceDetector(Protocol):
    """Voice activity detection over 32 ms windows, batched over streams.

    >>> class Loudness:
    ...     def new_state(self):
    ...         return None  # it has no state
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
        """Return the initial state of a stream."""
        ...

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``, one per stream; advances ``states`` in place.

        ``windows`` may be changed after the call: copy what the state needs to keep.
        """
        ...

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        """Do the same for ``n`` consecutive windows of one stream, as if each were given to `detect` in turn."""
        ...


@runtime_checkable
class RunsDetector(Protocol):
    """A `VoiceDetector` that takes several windows of each of several streams in one call."""

    def detect_runs(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        """Do what ``t`` calls of `VoiceDetector.detect` do: ``windows`` ``[t, n, 512]`` → ``[t, n]``."""
        ...


@runtime_checkable
class FadingDetector(Protocol):
    """A `VoiceDetector` whose memory of a stream fades, if it was not heard for a while."""

    def fade(self, state: DetectorState) -> None:
        """Forget a part of ``state``: a second or more of its stream was left out."""
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
        """Return a new participant's initial statistics; ``None`` if this model does not adapt to voices."""
        ...

    def classify(self, samples: FloatArray, voice: VoiceProfile | None = None) -> Prediction:
        """Classify ``samples`` ``[n]`` at 16 kHz, adapted to the ``voice``, which is not changed."""
        ...


class Sink(Protocol):
    """Anything that takes events: a file, a data channel, an event log, a table."""

    def put(self, event: EncodedEvent) -> None:
        """Take one event. Events of one stream come in the order in which they happened."""
        ...
