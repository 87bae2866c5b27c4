"""`embed`: the embedding of a clip, for those who train a classifier of their own on it."""

import os
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from ser_track.audio.pcm import PcmReader, as_array
from ser_track.audio.resample import Resampler
from ser_track.chunk import FloatArray
from ser_track.config.pipeline_options import PipelineOptions
from ser_track.config.schema import load_config
from ser_track.engine.classification import predict
from ser_track.errors import AudioError, ModelError
from ser_track.models import Models, load_models
from ser_track.models.trimming import voiced_part
from ser_track.recordings.file import read_mono


def embed(
    source: str | os.PathLike[str] | ArrayLike,
    *,
    rate_hz: int | None = None,
    config_file: str | Path | None = None,
    models: Models | None = None,
    **pipeline: Unpack[PipelineOptions],
) -> FloatArray:
    """Return the embedding ``[size]`` (128 of our models) of one clip of one voice, before adaptation to the voice.

    >>> embed("call.wav").shape
    (128,)
    >>> several = np.stack([embed(file, model="base") for file in ["call.wav", "call.wav"]])  # [clips, 128]

    ``source`` is a file that FFmpeg opens, of which the main audio track is used, or floats ``[n]`` or
    ``[n, channels]`` in -1 … 1, which need ``rate_hz``. It is cut from the first voiced moment to the last, as
    `ser-track evaluate --save-features` does, which writes those of many clips to a file. Over the speakers that the
    model was trained on, each value has mean 0 and deviation 1 while people are mostly neutral.
    ``config_file``, ``models`` and the other keyword arguments are those of `SERPipeline`.

    Raises:
        AudioError: the samples or their rate cannot be used, or the file cannot be read.
        ConfigError: as `SERPipeline`.
        ModelError: as `SERPipeline`, or the model has no embedding.
        InferenceError: a model failed.
    """
    config = load_config(None if config_file is None else Path(config_file), {"pipeline": pipeline}).pipeline
    models = models or load_models(config)
    heard = voiced_part(models.detector, _samples_of(source, rate_hz))
    embedding = predict(models.classifier, heard).embedding
    if embedding is None:
        raise ModelError(f"{models.classifier.name} has no embedding; use small, base, or a model that has one")
    return embedding


def _samples_of(source: str | os.PathLike[str] | ArrayLike, rate_hz: int | None) -> FloatArray:
    """Mono ``[n]`` at 16 kHz."""
    if isinstance(source, (str, os.PathLike)):
        if rate_hz is not None:
            raise AudioError(f"{source} is a file, which contains its own rate; leave rate_hz out")
        return read_mono(Path(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise AudioError("embed takes floats or the path of a file; convert bytes with numpy.frombuffer")
    if rate_hz is None:
        raise AudioError("the rate of the samples is unknown; give rate_hz")
    array = as_array(source)
    mono = PcmReader("float32", max(1, array.shape[1]) if array.ndim == 2 else 1).read(array)
    if not len(mono):
        raise AudioError("the array holds no samples; give a longer recording")
    resampler = Resampler(rate_hz)
    return np.concatenate([resampler.push(mono), resampler.flush()])
