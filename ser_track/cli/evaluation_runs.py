"""How `ser-track evaluate` plays clips: each clip alone, or each speaker's clips one after the other as in a call."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Self, TypeVar

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.cli.call_order import Call
from ser_track.cli.manifest import Clip
from ser_track.engine.classification import predict
from ser_track.errors import AudioError, ConfigError, SerTrackError
from ser_track.labels import FOUR, SIX, LabelSet
from ser_track.models import Models
from ser_track.models.trimming import voiced_part
from ser_track.protocols import Prediction
from ser_track.recordings.file import read_mono
from ser_track.voice_profile import VoiceProfile

_MAX_KEPT_SAMPLES: Final = 32 * 2**20
"""Decoded samples that one call keeps for clips that are played again: 128 MiB."""
Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A clip with the model's probabilities ``[C]``, and its embedding where the model has one."""

    clip: Clip
    probabilities: FloatArray
    embedding: FloatArray | None = None


Outcome = tuple[Clip, Judged | SerTrackError]


@dataclass(frozen=True, slots=True)
class Judge:
    """The models, and the labels to evaluate."""

    models: Models
    labels: LabelSet

    @classmethod
    def of(cls, models: Models, emotions: int | None) -> Self:
        """Use the model's own labels if ``emotions`` is ``None``, else our 4 or 6.

        Raises:
            ConfigError: the model's labels do not stand for our four.
        """
        own = models.classifier.labels
        if emotions == len(SIX) and own != SIX:
            return cls(models, SIX)
        if emotions is None or own.names == (FOUR if emotions == len(FOUR) else SIX).names:
            return cls(models, own)
        if own.as_compatible(dict.fromkeys(own.names, 1.0)) is None:
            reason = f"{models.classifier.name} has the labels {', '.join(own.names)}, which are not our {emotions}"
            raise ConfigError("--emotions", [f"{reason}; leave it out, or set 'compatible' in the model"])
        return cls(models, FOUR)

    def alone(self, clips: Sequence[Clip]) -> Iterator[Outcome]:
        """Each clip by itself, in the order given."""
        yield from _on_threads(self._alone, clips)

    def in_calls(self, clips: Sequence[Clip], calls: Sequence[Call]) -> Iterator[Outcome]:
        """Each clip again, with what its speaker said before it; the calls' indices are those of ``clips``."""
        for outcomes in _on_threads(partial(self._in_call, clips), calls):
            yield from outcomes

    def _alone(self, clip: Clip) -> Outcome:
        try:
            return clip, self._judged(clip, predict(self.models.classifier, self._heard(clip)))
        except SerTrackError as error:
            return clip, error

    def _in_call(self, clips: Sequence[Clip], call: Call) -> list[Outcome]:
        """The clips of one call, one after the other: each prediction is made with what those before it taught."""
        kept = _KeptAudio(call, lambda index: self._heard(clips[index]))

        def classify(index: int, voice: VoiceProfile | None) -> Prediction | SerTrackError:
            try:
                return predict(self.models.classifier, kept.take(index), voice)
            except SerTrackError as error:
                return error

        heard = call.hear(self.models.classifier.new_voice(), classify)
        return [(clips[index], self._outcome(clips[index], result)) for index, result in heard]

    def _outcome(self, clip: Clip, result: Prediction | SerTrackError) -> Judged | SerTrackError:
        try:
            return self._judged(clip, result) if isinstance(result, Prediction) else result
        except AudioError as error:
            return error

    def _heard(self, clip: Clip) -> FloatArray:
        return voiced_part(self.models.detector, read_mono(clip.path))

    def _judged(self, clip: Clip, judgement: Prediction) -> Judged:
        own = self.models.classifier.labels
        if self.labels == own:
            return Judged(clip, judgement.probabilities, judgement.embedding)
        if self.labels == FOUR:
            four = own.as_compatible(dict(zip(own.names, map(float, judgement.probabilities), strict=True))) or {}
            return Judged(clip, np.array([four[name] for name in FOUR.names], np.float32), judgement.embedding)
        if judgement.six is None:
            name = self.models.classifier.name
            raise AudioError(f"{name} has {len(own)} labels, not six; leave --emotions out, or use our models")
        return Judged(clip, judgement.six, judgement.embedding)


def neutral_of(labels: LabelSet) -> int | None:
    """The index of the label that stands for "neutral", if there is one."""
    return next((index for index, name in enumerate(labels.names) if labels.compatible.get(name) == "neutral"), None)


class _KeptAudio:
    """Decodes each clip of one call once, and keeps it until it has been played for the last time."""

    def __init__(self, call: Call, decode: Callable[[int], FloatArray]) -> None:
        self._left = Counter(play.clip for play in call.plays)
        self._decode = decode
        self._kept: dict[int, FloatArray] = {}
        self._samples = 0

    def take(self, clip: int) -> FloatArray:
        """Samples ``[n]`` of the clip. Raises what decoding raises."""
        self._left[clip] -= 1
        samples = self._kept.get(clip)
        if samples is None:
            samples = self._decode(clip)
            if self._left[clip] and self._samples + samples.size <= _MAX_KEPT_SAMPLES:
                self._kept[clip] = samples
                self._samples += samples.size
        elif not self._left[clip]:
            self._samples -= self._kept.pop(clip).size
        return samples


def _on_threads(work: Callable[[Task], Done], tasks: Iterable[Task]) -> Iterator[Done]:
    """Results in the order of the tasks. The native code of decoder and networks releases the GIL, so threads help."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield from pool.map(work, tasks)
    finally:
        pool.shutdown(cancel_futures=True)
