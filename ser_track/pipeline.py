"""`SERPipeline`: one participant, bytes in, emotion out. The interface that most programs need."""

from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from ser_track.audio.pcm import PcmReader
from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.config.schema import load_config
from ser_track.engine.engine import Engine
from ser_track.errors import InferenceError
from ser_track.events import Emotion, EngineEvent, Fault, StreamKey
from ser_track.labels import LabelSet
from ser_track.models import Models, load_models

_KEY = StreamKey("pipeline", "participant", "0")


class SERPipeline:
    """Speech emotion recognition for one participant; pipelines share the loaded models.

    Example::

        pipeline = SERPipeline(config_file="config.json", vad_min_confidence=0.6)
        while data := microphone.read(16000):
            if emotions := pipeline.consume(data):
                print(emotions)
    """

    def __init__(self, config_file: str | Path | None = None, *, models: Models | None = None, **pipeline: Any) -> None:
        """Read the ``pipeline`` section of ``config_file`` (defaults without one); keyword arguments win over it.

        ``models`` replaces the configured networks by a detector and a classifier of your own.

        Raises:
            ConfigError: an unknown key, an impossible value or a missing file; all are named.
            ModelError: the configured model does not fit.
        """
        path = None if config_file is None else Path(config_file)
        self.config = load_config(path, {"pipeline": pipeline}).pipeline
        models = models or load_models(self.config)
        self.events: tuple[EngineEvent, ...] = ()
        """Every event of the last call, in order: speech, provisional results, final results."""
        self.labels: LabelSet = models.classifier.labels
        """What the model tells apart, and how it is shown."""
        self._engine = Engine(models.detector, models.classifier, self.config)
        self._reader = PcmReader(self.config.sample_format, self.config.channels)
        self._resampler = Resampler(self.config.sample_rate_hz)
        self._block_samples = round(self.config.consumed_duration_s * SAMPLE_RATE_HZ)
        self.reset()

    def consume(self, data: bytes | bytearray | memoryview | ArrayLike) -> dict[str, float] | None:
        """Take the next piece of audio, of any length: bytes in the configured format, or floats.

        Floats are ``[n]`` (interleaved) or ``[n, channels]``, in -1 … 1. Audio is processed ``consumed_duration_s`` at
        a time. Returns the probabilities of the last segment that ended in this call, or ``None``: of anger, happiness,
        sadness and neutral, summing to 1, where the model's labels stand for these (`LabelSet.compatible`), else of its
        own labels, as its events have them.

        Raises:
            AudioError: the data is not in the configured format.
            InferenceError: a model failed on audio that was accepted; where it was the voice detector, what followed in
                ``data`` is lost.
        """
        self.events = ()
        samples = self._resampler.push(self._reader.read(data))
        while len(samples):
            missing = self._block_samples - self._at % self._block_samples
            self._push(samples[:missing])
            if len(samples) >= missing:
                self.events += tuple(self._engine.tick())
            samples = samples[missing:]
        return self._result()

    def flush(self) -> dict[str, float] | None:
        """End the stream: process what is held and close the open segment. The next call begins a new stream.

        Raises:
            InferenceError: a model failed; the next call begins a new stream all the same.
        """
        try:
            self._push(self._resampler.flush())
            events = self._engine.flush(_KEY)
        finally:
            self.reset()
        self.events = tuple(events)
        return self._result()

    def reset(self) -> None:
        """Forget all audio so far and begin a new stream."""
        self._engine.open(_KEY)
        self._reader.reset()
        self._resampler.reset()
        self._at = 0
        self.events = ()

    def _push(self, samples: FloatArray) -> None:
        self._engine.push(_KEY, samples, self._at)
        self._at += len(samples)

    def _result(self) -> dict[str, float] | None:
        if fault := next((event for event in self.events if isinstance(event, Fault)), None):
            raise InferenceError(fault.message)
        finals = [event for event in self.events if isinstance(event, Emotion) and event.final]
        return self._returned(finals[-1]) if finals else None

    def _returned(self, emotion: Emotion) -> dict[str, float]:
        """The four keys that every caller knows, if the model's labels stand for them; else what the event has."""
        return self.labels.as_compatible(emotion.all or emotion.probabilities) or dict(emotion.probabilities)
