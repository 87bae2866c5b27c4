"""Calls made of labelled clips, for ``evaluate --adapt``: which clip is played when, and what the voice learns from it.

The order is drawn from the clips themselves (speaker and path), so the order of a manifest's rows does not matter.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar

import numpy as np

from ser_track.engine.classification import learn
from ser_track.errors import SerTrackError
from ser_track.protocols import Prediction
from ser_track.voice_profile import VoiceProfile

SEED: Final = 20_261
DEFAULT_NEUTRAL_SHARE: Final = 0.8
CORPUS: Final = "corpus"
"""The name of the mix in which each clip is played once."""
Result = TypeVar("Result", bound=Prediction | SerTrackError)


@dataclass(frozen=True, slots=True)
class Play:
    """One moment of a call: the index of the clip that is played, and whether the voice learns from it."""

    clip: int
    learnt: bool = True


@dataclass(frozen=True, slots=True)
class Mix:
    """How much of a call is neutral."""

    share: float | None = DEFAULT_NEUTRAL_SHARE
    """0 … 1 of what is played; ``None`` for each clip once, in the corpus's own mix."""
    neutral: int | None = None
    """The label that stands for "neutral"; without one, each clip is played once."""

    def order(self, speaker: str, clips: Sequence[tuple[str, int]]) -> list[Play]:
        """The call of one speaker, from the path and the label of each clip; every clip appears at least once.

        Clips of the kind that is too rare for the share are repeated, all equally often, give or take one. At 0 and 1
        nothing is repeated: the voice does not learn from the kind that has no share. If a speaker has only one kind,
        each clip is played once.
        """
        mixed = _drawn(speaker, clips)
        neutral = [i for i in mixed if clips[i][1] == self.neutral]
        others = [i for i in mixed if clips[i][1] != self.neutral]
        if self.share is None or not neutral or not others:
            return [Play(i) for i in mixed]
        if self.share in (0, 1):
            return [Play(i, (clips[i][1] == self.neutral) == (self.share == 1)) for i in mixed]
        rng = np.random.default_rng(int.from_bytes(_digest(speaker)))
        return [Play(i) for i in _interleaved(neutral, others, self.share / (1 - self.share), rng)]


@dataclass(frozen=True, slots=True)
class Call:
    """What one speaker says: moments in their order; a clip is judged the first time, then repeated as history."""

    plays: tuple[Play, ...]

    def hear(
        self, voice: VoiceProfile | None, classify: Callable[[int, VoiceProfile | None], Result]
    ) -> Iterator[tuple[int, Result]]:
        """Index and result of each clip, in the order of the first times; ``voice`` learns after each moment.

        classify: gets the clip's index and the voice as it is known at that moment.
        """
        judged: set[int] = set()
        for play in self.plays:
            result = classify(play.clip, voice)
            if play.clip not in judged:
                judged.add(play.clip)
                yield play.clip, result
            if play.learnt and isinstance(result, Prediction):
                learn(voice, result)


def calls_of(clips: Iterable[tuple[str, str, int]], mix: Mix) -> list[Call]:
    """One call for each speaker, in the order of their names; ``clips`` are (speaker, path, label)."""
    own: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for index, (speaker, path, label) in enumerate(clips):
        own[speaker].append((index, path, label))
    return [
        Call(
            tuple(
                Play(said[play.clip][0], play.learnt)
                for play in mix.order(speaker, [(path, label) for _, path, label in said])
            )
        )
        for speaker, said in sorted(own.items())
    ]


def _interleaved(
    neutral: Sequence[int], others: Sequence[int], neutral_per_other: float, rng: np.random.Generator
) -> list[int]:
    """Both in turn, again and again where there are too few; each of ``others`` at a random place in its turn."""
    turns = max(len(others), math.ceil(len(neutral) / neutral_per_other - 1e-9))
    order: list[int] = []
    for turn in range(turns):
        first, end = round(turn * neutral_per_other), round((turn + 1) * neutral_per_other)
        block = [neutral[i % len(neutral)] for i in range(first, end)]
        block.insert(int(rng.integers(0, len(block) + 1)), others[turn % len(others)])
        order += block
    return order


def _drawn(speaker: str, clips: Sequence[tuple[str, int]]) -> list[int]:
    """Indices in random order, the same for any order of ``clips``; of equal rows it does not matter which is which."""
    alike: Counter[tuple[str, int]] = Counter()
    keys: list[tuple[bytes, int]] = []
    for path, label in clips:
        keys.append((_digest(speaker, path, str(alike[path, label])), label))
        alike[path, label] += 1
    return sorted(range(len(clips)), key=keys.__getitem__)


def _digest(*parts: str) -> bytes:
    text = "\0".join([str(SEED), *parts])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
