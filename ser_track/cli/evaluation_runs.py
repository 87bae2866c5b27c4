"""How `ser-track evaluate` listens: each clip alone, or each speaker's clips one after the other as in a call."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.cli.manifest import Clip
from ser_track.errors import AudioError, SerTrackError
from ser_track.labels import EMOTIONS
from ser_track.models import Models
from ser_track.models.trimming import voiced_part
from ser_track.protocols import Prediction
from ser_track.recordings.file import read_mono
from ser_track.voice_profile import VoiceProfile

SEED: Final = 20_261
NEUTRAL_BETWEEN: Final = 4
"""Neutral clips that are played for each other one."""
_NEUTRAL: Final = EMOTIONS.index("neutral")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A clip with the model's probabilities ``[C]``, and its embedding where the model has one."""

    clip: Clip
    probabilities: FloatArray
    embedding: FloatArray | None = None


Outcome = tuple[Clip, Judged | SerTrackError]


@dataclass(frozen=True, slots=True)
class Judge:
    """The models, and how many emotions are to be told apart."""

    models: Models
    n_emotions: int

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
        )
        yield from self._all((judged[i].clip, voice) for i, voice in tasks)

    def _all(self, tasks: Iterable[tuple[Clip, VoiceProfile | None]]) -> Iterator[Outcome]:
        """The native code of decoder and networks lets go of the GIL, so threads help."""
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            yield from pool.map(lambda task: self._one(*task), tasks)
        finally:
            pool.shutdown(cancel_futures=True)

    def _one(self, clip: Clip, voice: VoiceProfile | None) -> Outcome:
        try:
            heard = voiced_part(self.models.detector, read_mono(clip.path))
            return clip, self._judged(clip, self.models.classifier.classify(heard, voice))
        except SerTrackError as error:
            return clip, error

    def _judged(self, clip: Clip, judgement: Prediction) -> Judged:
        if self.n_emotions == len(EMOTIONS):
            return Judged(clip, judgement.probabilities, judgement.embedding)
        if judgement.six is None:
            name = self.models.classifier.name
            raise AudioError(f"{name} tells four emotions only; leave --emotions out, or use our models")
        return Judged(clip, judgement.six, judgement.embedding)


def voices_in_call(
    emotions: Sequence[int],
    speakers: Sequence[str],
    embeddings: Sequence[FloatArray | None],
    new_voice: Callable[[], VoiceProfile | None],
) -> Iterator[tuple[int, VoiceProfile | None]]:
    """Number of each clip with its speaker's voice as it is known when the clip's turn comes; `call_order` tells when.

    A clip that is played again is history only: it was judged when it was new.
    """
    for speaker in dict.fromkeys(speakers):
        own = [i for i, name in enumerate(speakers) if name == speaker]
        past: list[FloatArray] = []
        seen: set[int] = set()
        for clip in (own[i] for i in call_order([emotions[i] for i in own])):
            if clip not in seen:
                yield clip, _voice_of(past, new_voice())
            seen.add(clip)
            if (embedding := embeddings[clip]) is not None:
                past.append(embedding)


def call_order(emotions: Sequence[int], seed: int = SEED) -> list[int]:
    """Numbers of one speaker's clips of these ``emotions``, in random order with four neutral ones for each other one.

    Neutral clips come round again where there are too few; every clip is there once at least.
    """
    rng = np.random.default_rng(seed)
    mixed = [int(i) for i in rng.permutation(len(emotions))]
    neutral = [i for i in mixed if emotions[i] == _NEUTRAL]
    order, played = list[int](), 0
    for i in (i for i in mixed if emotions[i] != _NEUTRAL):
        turn = [neutral[k % len(neutral)] for k in range(played, played + NEUTRAL_BETWEEN) if neutral]
        played += NEUTRAL_BETWEEN
        turn.insert(int(rng.integers(0, len(turn) + 1)), i)
        order += turn
    return order + neutral[played:]


def _voice_of(past: Sequence[FloatArray], voice: VoiceProfile | None) -> VoiceProfile | None:
    if voice is not None:
        for embedding in past:
            voice.update(embedding)
    return voice
