"""The joints: what the engine needs from a model."""

from collections.abc import Sequence
from typing import Protocol

from ser_track.types import FloatArray


class VoiceState(Protocol):
    """What a detector remembers of one stream; opaque to everyone but the detector that made it."""


class VoiceDetector(Protocol):
    """Voice activity detection over 32 ms windows, batched over streams."""

    def new_state(self) -> VoiceState:
        """State of a stream of which nothing was heard yet."""
        ...

    def detect(self, windows: FloatArray, states: Sequence[VoiceState]) -> FloatArray:
        """Speech probability ``[n]`` of ``windows`` ``[n, 512]``, one per stream; advances ``states`` in place."""
        ...


class EmotionClassifier(Protocol):
    """Speech emotion recognition of one segment."""

    @property
    def name(self) -> str:
        """Name and version, as events carry it: ``name@version``."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Meaning of each probability, in order."""
        ...

    def classify(self, samples: FloatArray) -> FloatArray:
        """Probabilities ``[len(labels)]`` of ``samples`` ``[n]`` at 16 kHz, summing to 1."""
        ...
