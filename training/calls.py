"""Calls played with stored embeddings, for comparing ways to adapt to a voice in seconds (`training.adaptation`).

The shipped files adapt as `ser_track.voice_profile` and `training.encoder` say; the other ways exist here only.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.cli.call_order import Mix
from ser_track.labels import EMOTIONS
from ser_track.voice_profile import DEVIATION_SHRINKAGE, MEAN_SHRINKAGE, ONE_SIDED
from training.encoder import LEAST_WEIGHT, REMOVED
from training.episodes import NEUTRAL
from training.judge import Standardised

_MAX_SEGMENTS: Final = 64.0
LONG: Final = 3
"""How often each clip is played in the long call."""
Doubles = NDArray[np.float64]
Play = Callable[[NDArray[np.int64], str], list[list[int]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to adapt: as shipped, unless fields say otherwise."""

    removed: float = REMOVED
    least_weight: float = LEAST_WEIGHT
    mean_shrinkage: float = MEAN_SHRINKAGE
    deviation_shrinkage: float = DEVIATION_SHRINKAGE
    one_sided: tuple[float, float] | None = ONE_SIDED
    guess_alone: bool = False
    """Whether what is removed is guessed from the segment alone, and not as adapted."""


@dataclass(slots=True)
class Heads:
    """Linear heads of four and of six, and the emotions' means; all on standardised embeddings."""

    four: tuple[FloatArray, FloatArray]
    six: tuple[FloatArray, FloatArray]
    class_means: FloatArray

    @classmethod
    def of(cls, network: Standardised) -> "Heads":
        """The heads of a network or of `training.head.Head`."""
        zero = torch.zeros(1, network.class_means.shape[1])
        with torch.no_grad():
            bias = [each[0] for each in network.logits(zero)]
            weight = [each.numpy().T for each in network.logits(torch.eye(zero.shape[1]))]
        four, six = ((w.T - b.numpy(), b.numpy()) for w, b in zip(weight[:2], bias[:2], strict=True))
        return cls(four, six, network.class_means.numpy())


def shares(heads: tuple[FloatArray, FloatArray], x: FloatArray | Doubles) -> Doubles:
    """[…, size] → probabilities […, C]."""
    logits = x @ heads[0] + heads[1]
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


@dataclass(slots=True)
class Voice:
    """What is known of one voice under a rule; the counterpart of `VoiceProfile`."""

    rule: Rule
    size: int
    n: float = 0.0
    total: Doubles = field(init=False)
    squares: Doubles = field(init=False)
    guesses: Doubles = field(init=False)
    guessed: float = 0.0

    def __post_init__(self) -> None:
        self.total, self.squares, self.guesses = np.zeros(self.size), np.zeros(self.size), np.zeros(len(EMOTIONS))

    def adapted(self, x: FloatArray) -> Doubles:
        """[size] → centred and scaled."""
        mean = self.total / (self.n + self.rule.mean_shrinkage)
        spread = self.squares - 2 * mean * self.total + self.n * mean**2
        variance = (self.rule.deviation_shrinkage + spread) / (self.n + self.rule.deviation_shrinkage)
        trust = self._trust()
        return np.asarray((x - trust * mean) / variance ** (trust / 2))

    def _trust(self) -> float:
        if self.rule.one_sided is None or not self.guessed:
            return 1.0
        low, high = self.rule.one_sided
        return 1.0 - float(np.clip((np.delete(self.guesses, NEUTRAL).max() / self.guessed - low) / (high - low), 0, 1))

    def update(self, x: FloatArray, heads: Heads) -> None:
        """Add one clip."""
        adapted, alone = self.adapted(x), shares(heads.six, x)
        guessed = alone if self.rule.guess_alone else shares(heads.six, adapted)
        least = self.rule.least_weight
        weight = least + (1 - least) * float(shares(heads.four, adapted)[NEUTRAL])
        value = x - self.rule.removed * guessed @ heads.class_means
        kept = min(1.0, (_MAX_SEGMENTS - weight) / max(self.n, 1.0))
        self.n = kept * self.n + weight
        self.total = kept * self.total + weight * value
        self.squares = kept * self.squares + weight * value**2
        self.guesses, self.guessed = kept * self.guesses + shares(heads.four, x), kept * self.guessed + 1


def _mixed(share: float | None) -> Play:
    def order(labels: NDArray[np.int64], speaker: str) -> list[list[int]]:
        clips = [(str(i), int(label)) for i, label in enumerate(labels)]
        return [[play.clip for play in Mix(share, NEUTRAL).order(speaker, clips)]]

    return order


def _one_emotion(labels: NDArray[np.int64], speaker: str) -> list[list[int]]:
    return [np.flatnonzero(labels == number).tolist() for number in range(len(EMOTIONS)) if (labels == number).any()]


def _long(labels: NDArray[np.int64], speaker: str) -> list[list[int]]:
    rng = np.random.default_rng(zlib.crc32(speaker.encode()))
    return [[int(i) for _ in range(LONG) for i in rng.permutation(len(labels))]]


CALLS: Final[dict[str, Play]] = {
    "four fifths neutral": _mixed(0.8),
    "half neutral": _mixed(0.5),
    "each clip once": _mixed(None),
    "one emotion only": _one_emotion,
    "each clip three times": _long,
}


def play(
    heads: Heads, x: FloatArray, labels: NDArray[np.int64], speakers: NDArray[np.str_], rule: Rule, call: str
) -> Iterator[tuple[int, float, Doubles]]:
    """Every clip of four emotions, the first time that it is heard (in the long call, each time): its number, how much
    of the voice was known, and the probabilities of four [4] as logarithms."""
    for speaker in np.unique(speakers):
        own = np.flatnonzero((speakers == speaker) & (labels < len(EMOTIONS)) & (labels >= 0))
        for order in CALLS[call](labels[own], str(speaker)):
            voice, seen = Voice(rule, x.shape[1]), set[int]()
            for i in order:
                if i not in seen or call == "each clip three times":
                    seen.add(i)
                    yield int(own[i]), voice.n, np.log(shares(heads.four, voice.adapted(x[own[i]])) + 1e-9)
                voice.update(x[own[i]], heads)
