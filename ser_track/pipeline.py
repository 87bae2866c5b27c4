"""`SERPipeline`: one participant, bytes in, emotion out. The interface that most programs need."""

from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from numpy.typing import ArrayLike

from ser_track.audio.pcm import PcmReader
from ser_track.audio.resample import Resampler
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray
from ser_track.config.pipeline_options import PipelineOptions
from ser_track.config.schema import PipelineConfig, load_config
from ser_track.errors import ClosedError, SegmentError
from ser_track.event_types import Emotion, EngineEvent, Fault, StreamKey
from ser_track.labels import LabelSet
from ser_track.models import Models, load_models, new_engine

_KEY = StreamKey("pipeline", "participant", "0")


class SERPipeline:
    """Speech emotion recognition for one participant. All pipelines share the loaded models.

    >>> with SERPipeline(sample_format="int16") as pipeline, open("call.s16", "rb") as audio:
    ...     while data := audio.read(32_000):  # one second at 16 kHz
    ...         if emotions := pipeline.consume(data):  # None until a segment of speech has ended
    ...             print({emotion: round(share, 1) for emotion, share in emotions.items()})
    ...     last = pipeline.flush()  # of the segment that was still open, if any
    {'anger': 0..., 'happiness': 0..., 'sadness': 0..., 'neutral': 0...}
    {'anger': 0..., 'happiness': 0..., 'sadness': 0..., 'neutral': 0...}
    """

    def __init__(
        self,
        config_file: str | Path | None = None,
        *,
        models: Models | None = None,
        **pipeline: Unpack[PipelineOptions],
    ) -> None:
        """Read the section ``pipeline`` of ``config_file`` (defaults without one); keyword arguments override it.

        ``models`` replaces the configured networks with your own detector and classifier.

        Raises:
            ConfigError: a key is unknown, a value is impossible or a file is missing. The message names all of them.
            ModelError: the configured model does not fit.
        """
        path = None if config_file is None else Path(config_file)
        self.config = load_config(path, {"pipeline": pipeline}).pipeline
        self.events: tuple[EngineEvent, ...] = ()
        """Every event of the last call, in order: speech, provisional results, final results."""
        models = models or load_models(self.config)
        self.labels: LabelSet = models.classifier.labels
        """The model's labels, and how they are shown."""
        self._engine = new_engine(self.config, models)
        self._reader = PcmReader(self.config.sample_format, self.config.channels)
        self._resampler = Resampler(self.config.sample_rate_hz)
        self._block_samples = round(self.config.consumed_duration_s * SAMPLE_RATE_HZ)
        self.reset()

    def consume(self, data: bytes | bytearray | memoryview | ArrayLike) -> dict[str, float] | None:
        """Take the next piece of audio, of any length: bytes in the configured format, or an array.

        Arrays are ``[n]`` (interleaved) or ``[n, channels]``, of floats in -1 … 1 or of int16, int32 or uint8 in the
        full range of the type. Floats far beyond -1 … 1 give a warning, once for each stream. Audio is processed
        ``consumed_duration_s`` seconds at a time. Returns the probabilities of the last segment that ended in this
        call, or ``None`` if no segment ended. They are those of anger, happiness, sadness and neutral, which sum to 1,
        if the model's labels map to these (`LabelSet.compatible`); else those of its own labels, as in its events.

        Raises:
            AudioError: the data is not in the configured format. The stream stays as it was.
            SegmentError: the classifier failed on a segment, which is a `Fault` in `events`. The stream goes on.
            InferenceError: the voice detector failed. The rest of ``data`` is lost.
            ClosedError: the pipeline is closed.
        """
        self._require_open()
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
        """End the stream: process what is buffered and close the open segment. The next call begins a new stream.

        Returns what `consume` returns.

        Raises:
            SegmentError: the classifier failed on a segment; the next call begins a new stream nevertheless.
            InferenceError: the voice detector failed; the next call begins a new stream nevertheless.
            ClosedError: the pipeline is closed.
        """
        self._require_open()
        try:
            self._push(self._resampler.flush())
            events = self._engine.flush(_KEY)
        finally:
            self.reset()
        self.events = tuple(events)
        return self._result()

    def reset(self) -> None:
        """Forget all audio so far and begin a new stream; after `close`, too."""
        self._engine.open(_KEY)
        self._forget()

    def close(self) -> None:
        """Forget the stream: buffered audio, the detector's state and the voice profile.

        Call `flush` first to get the last result. A ``with`` block closes at its end. Closing twice is harmless.
        """
        self._engine.discard(_KEY)
        self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Show the options that differ from their defaults."""
        default = PipelineConfig()
        names = [each.name for each in fields(PipelineConfig)]
        values = {name: getattr(self.config, name) for name in names}
        given = [f"{name}={value!r}" for name, value in values.items() if value != getattr(default, name)]
        return f"{type(self).__name__}({', '.join(given)})"

    def _require_open(self) -> None:
        if _KEY not in self._engine:
            raise ClosedError("this pipeline is closed; call reset() to begin a new stream, or make another pipeline")

    def _forget(self) -> None:
        self._reader.reset()
        self._resampler.reset()
        self._at = 0
        self.events = ()

    def _push(self, samples: FloatArray) -> None:
        self._engine.push(_KEY, Chunk(self._at, samples))
        self._at += len(samples)

    def _result(self) -> dict[str, float] | None:
        if fault := next((event for event in self.events if isinstance(event, Fault)), None):
            raise SegmentError(fault.message)
        finals = [event for event in self.events if isinstance(event, Emotion) and event.final]
        return self._returned(finals[-1]) if finals else None

    def _returned(self, emotion: Emotion) -> dict[str, float]:
        """Return the four common keys if the model's labels map to them; else the probabilities of the event."""
        return self.labels.as_compatible(emotion.all or emotion.probabilities) or dict(emotion.probabilities)
