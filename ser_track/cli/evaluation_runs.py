"""How `ser-track evaluate` plays clips: each clip alone, or each speaker's clips one after the other as in a call."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.cli.manifest import Clip
from ser_track.engine.classification import predict
from ser_track.errors import AudioError, ConfigError, SerTrackError
from ser_track.labels import FOUR, SIX, LabelSet
from ser_track.models import Models
from ser_track.models.trimming import voiced_part
from ser_track.protocols import Prediction
from ser_track.recordings.file import read_mono
from ser_track.voice_profile import VoiceProfile

SEED: Final = 20_261
NEUTRAL_BETWEEN: Final = 4
"""Neutral clips that are played for each clip that is not neutral."""


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
        yield from self._all((clip, None) for clip in clips)

    def in_call(self, judged: Sequence[Judged]) -> Iterator[Outcome]:
        """Each clip again, with what its speaker said before it in a call that is mostly neutral."""
        tasks = voices_in_call(
            [item.clip.emotion for item in judged],
            [item.clip.speaker for item in judged],
            [item.embedding for item in judged],
            self.models.classifier.new_voice,
            neutral_of(self.labels),
        )
        yield from self._all((judged[i].clip, voice) for i, voice in tasks)

    def _all(self, tasks: Iterable[tuple[Clip, VoiceProfile | None]]) -> Iterator[Outcome]:
        """The native code of decoder and networks releases the GIL, so threads help."""
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            yield from pool.map(lambda task: self._one(*task), tasks)
        finally:
            pool.shutdown(cancel_futures=True)

    def _one(self, clip: Clip, voice: VoiceProfile | None) -> Outcome:
        try:
            heard = voiced_part(self.models.detector, read_mono(clip.path))
            return clip, self._judged(clip, predict(self.models.classifier, heard, voice))
        except SerTrackError as error:
            return clip, error

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


def voices_in_call(
    emotions: Sequence[int],
    speakers: Sequence[str],
    embeddings: Sequence[FloatArray | None],
    new_voice: Callable[[], VoiceProfile | None],
    neutral: int | None = neutral_of(FOUR),
) -> Iterator[tuple[int, VoiceProfile | None]]:
    """Number of each clip, with its speaker's voice as it is known when the clip is played, in `call_order`.

    A clip that is played again is history only: it is judged the first time.
    """
    for speaker in dict.fromkeys(speakers):
        own = [i for i, name in enumerate(speakers) if name == speaker]
        past: list[FloatArray] = []
        seen: set[int] = set()
        for clip in (own[i] for i in call_order([emotions[i] for i in own], neutral=neutral)):
            if clip not in seen:
                yield clip, _voice_of(past, new_voice())
            seen.add(clip)
            if (embedding := embeddings[clip]) is not None:
                past.append(embedding)


def call_order(emotions: Sequence[int], seed: int = SEED, neutral: int | None = neutral_of(FOUR)) -> list[int]:
    """Numbers of one speaker's clips of these ``emotions``, in random order, with four neutral clips per other clip.

    If there are too few neutral clips, they are repeated; every clip appears at least once. If ``neutral`` is ``None``,
    the order is random, and nothing is repeated.
    """
    rng = np.random.default_rng(seed)
    mixed = [int(i) for i in rng.permutation(len(emotions))]
    calm = [i for i in mixed if emotions[i] == neutral]
    order, played = list[int](), 0
    for i in (i for i in mixed if emotions[i] != neutral):
        turn = [calm[k % len(calm)] for k in range(played, played + NEUTRAL_BETWEEN) if calm]
        played += NEUTRAL_BETWEEN
        turn.insert(int(rng.integers(0, len(turn) + 1)), i)
        order += turn
    return order + calm[played:]


def _voice_of(past: Sequence[FloatArray], voice: VoiceProfile | None) -> VoiceProfile | None:
    if voice is not None:
        for embedding in past:
            voice.update(embedding)
    return voice
