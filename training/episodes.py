"""What the network is shown at a time: several people, several clips of each, and what went before each clip.

The people stand for a call. Of each, one channel (a tilt and a floor of noise) is drawn, because a call has one too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ser_track.chunk import FloatArray
from ser_track.labels import EMOTIONS
from ser_track.models.log_mel import N_MELS
from training.channel import Channel, levelled, overlaid
from training.corpora import ALL_EMOTIONS, SIX_EMOTIONS, votes
from training.spectra import N_VIEWS, Spectra

NEUTRAL: Final = EMOTIONS.index("neutral")
N_PEOPLE: Final = 6
N_CLIPS: Final = 12
TARGETS: Final = 9
"""Clips of each person that are learnt from; the other three are neutral and only history."""
N_SOUNDS: Final = 10
CROSS_TALK: Final = 4
"""How many of the sounds of a batch are two people at once, whose target is the same as that of sounds."""
_BALANCE_DB: Final = 4.0
_VOTE_SHARE: Final = 0.15
_TEACHER_SHARE: Final = 0.4
MIN_FRAMES: Final = 48  # frames of 10 ms
_CLEAN_SHARE: Final = 0.4
_HISTORY: Final = (0, 0, 0, 1, 2, 4, 6, 8)
_NEUTRAL_ODDS: Final = 12.0
_CALLS: Final = 0.7


@dataclass(slots=True)
class Draw:
    """Who is heard, and what is to be learnt from it: rows [n] of (corpus, clip); views [n]; targets [n, 4], [n, 6] and
    [n, 9], zero where they do not count; history [n, n]: which clips were heard before each; labels [n]."""

    rows: list[tuple[int, int]]
    views: list[int]
    four: Tensor
    six: Tensor
    nine: Tensor
    history: Tensor
    labels: NDArray[np.int64]


@dataclass(slots=True)
class Batch:
    """A draw with its sound: spectrum [n, T, 80]; lengths [n]."""

    draw: Draw
    spectrum: Tensor
    lengths: Tensor


def read_teacher(path: Path) -> dict[str, FloatArray]:
    """What `training.teacher` wrote: path of a clip → [6] shares."""
    with np.load(path) as stored:
        return dict(zip(stored["paths"].tolist(), stored["six"], strict=True))


def targets_of(path: str, label: int, teacher: Mapping[str, FloatArray]) -> FloatArray:
    """[9]: the intended emotion, a part of what a teacher says, and a little of what listeners heard.

    A sound without speech is all alike among the first six.
    """
    every = np.zeros(len(ALL_EMOTIONS), np.float32)
    if label < 0:
        every[: len(SIX_EMOTIONS)] = 1 / len(SIX_EMOTIONS)
        return every
    every[label] = 1.0
    for share, others in ((_TEACHER_SHARE, teacher.get(path)), (_VOTE_SHARE, votes().get(Path(path).stem))):
        if others is not None:
            every *= 1 - share
            every[: len(SIX_EMOTIONS)] += share * others
    return every


class Cast:
    """Draws who is heard, for ever. speech: corpora with the speakers of each to use, and how often each corpus is
    drawn (by default, by its number of clips); sounds: what is no speech."""

    def __init__(
        self,
        speech: Sequence[tuple[Spectra, Sequence[str]]],
        sounds: Spectra,
        folds: str,
        rng: np.random.Generator,
        teacher: Mapping[str, FloatArray] | None = None,
        shares: Sequence[float] = (),
    ) -> None:
        self._rng, self._teacher = rng, teacher or {}
        self.corpora = [*(spectra for spectra, _ in speech), sounds]
        self._sounds = [
            (len(speech), i) for i, path in enumerate(sounds.paths) if path.rsplit("/", 1)[-1].split("-")[1] in folds
        ]
        self._people = [
            [(corpus, int(i)) for i in np.flatnonzero(spectra.speakers == speaker)]
            for corpus, (spectra, speakers) in enumerate(speech)
            for speaker in speakers
        ]
        self._neutral = [[row for row in rows if self._label(row) == NEUTRAL] for rows in self._people]
        self._left: list[list[tuple[int, int]]] = [[] for _ in self._people]
        self.n_clips = sum(map(len, self._people))
        often = np.array([len(rows) for rows in self._people], float)
        home = np.array([rows[0][0] for rows in self._people])
        for corpus, share in enumerate(shares):
            often[home == corpus] *= share / often[home == corpus].sum()
        self._often = often / often.sum()

    def _label(self, row: tuple[int, int]) -> int:
        return int(self.corpora[row[0]].labels[row[1]])

    def _next(self, person: int) -> tuple[int, int]:
        """The clips of one person in random order, over and over."""
        if not self._left[person]:
            order = self._rng.permutation(len(self._people[person]))
            self._left[person] = [self._people[person][i] for i in order]
        return self._left[person].pop()

    def _clips_of(self, person: int) -> list[tuple[int, int]]:
        """N_CLIPS of one person, the last of them neutral (if there are any)."""
        n, neutral = N_CLIPS - TARGETS, self._neutral[person] or self._people[person]
        context = [neutral[i] for i in self._rng.choice(len(neutral), n, replace=len(neutral) < n)]
        return [self._next(person) for _ in range(TARGETS)] + context

    def draw(self, n_people: int, n_sounds: int) -> Draw:
        """Some people in one call, and some sounds."""
        people = self._rng.choice(len(self._people), n_people, replace=False, p=self._often)
        rows = [row for person in people for row in self._clips_of(person)]
        rows += [self._sounds[i] for i in self._rng.choice(len(self._sounds), n_sounds)]
        clean = np.repeat(self._rng.random(-(-len(rows) // N_CLIPS)) < _CLEAN_SHARE, N_CLIPS)
        views = [self._view(row, bool(alike)) for row, alike in zip(rows, clean[: len(rows)], strict=True)]
        return self._with_targets(rows, views, n_people)

    def _view(self, row: tuple[int, int], clean: bool) -> int:
        view = int(self._rng.choice(2, p=(0.3, 0.7))) if clean else int(self._rng.integers(1, N_VIEWS))
        # Of a whisper the voice detector may find next to nothing.
        return view if self.corpora[row[0]].lengths[row[1], view] >= MIN_FRAMES else 0

    def _with_targets(self, rows: list[tuple[int, int]], views: list[int], n_people: int) -> Draw:
        labels = np.array([self._label(row) for row in rows])
        paths = [str(self.corpora[corpus].paths[clip]) for corpus, clip in rows]
        nine = np.stack(
            [targets_of(path, label, self._teacher) for path, label in zip(paths, labels.tolist(), strict=True)]
        )
        history = np.zeros((len(labels), len(labels)), np.float32)
        for first in range(0, n_people * N_CLIPS, N_CLIPS):
            own = slice(first, first + N_CLIPS)
            history[own, own] = draw_history(labels[own], self._rng)
            nine[first + TARGETS : first + N_CLIPS] = 0.0
        four, six = (_first(nine, labels, n) for n in (len(EMOTIONS), len(SIX_EMOTIONS)))
        tensors = [torch.from_numpy(np.asarray(each, np.float32)) for each in (four, six, nine, history)]
        four_of, six_of, nine_of, past = tensors
        return Draw(rows, views, four_of, six_of, nine_of, past, labels)


def _first(targets: FloatArray, labels: NDArray[np.int64], n: int) -> FloatArray:
    """Targets among the first n emotions, of clips that have one of them (or none: sounds)."""
    some = targets[:, :n] / np.maximum(targets[:, :n].sum(1, keepdims=True), 1e-6)
    some[labels >= n] = 0.0
    return np.asarray(some, np.float32)


class Episodes:
    """Draws batches of sound for ever."""

    def __init__(
        self,
        speech: Sequence[tuple[Spectra, Sequence[str]]],
        sounds: Spectra,
        folds: str,
        seed: int,
        teacher: Mapping[str, FloatArray] | None = None,
        shares: Sequence[float] = (),
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._cast = Cast(speech, sounds, folds, self._rng, teacher, shares)
        self.n_clips = self._cast.n_clips

    def draw(self) -> Batch:
        """One batch; long clips are cut to a length that is drawn for all."""
        draw = self._cast.draw(N_PEOPLE, N_SOUNDS)
        longest = int(self._rng.uniform(100, 300))
        channels = [Channel(self._rng) for _ in range(-(-len(draw.rows) // N_CLIPS))]
        heard = [
            self._heard(self._cast.corpora[corpus].view(clip, view), channels[i // N_CLIPS], longest)
            for i, ((corpus, clip), view) in enumerate(zip(draw.rows, draw.views, strict=True))
        ]
        for i in range(len(heard) - CROSS_TALK, len(heard)):
            heard[i] = self._cross_talk(heard)
        lengths = np.array([len(spectrum) for spectrum in heard])
        spectrum = np.zeros((len(heard), lengths.max(), N_MELS), np.float32)
        for i, one in enumerate(heard):
            spectrum[i, : len(one)] = one
        return Batch(draw, torch.from_numpy(spectrum), torch.from_numpy(lengths))

    def _cross_talk(self, heard: Sequence[FloatArray]) -> FloatArray:
        """Two people of a batch at once, about equally loud, for as long as the shorter one speaks."""
        people = self._rng.choice(N_PEOPLE, 2, replace=False) * N_CLIPS + self._rng.integers(0, N_CLIPS, 2)
        first, second = (heard[int(row)] for row in people)
        return overlaid(first, second, self._rng.uniform(-_BALANCE_DB, _BALANCE_DB))

    def _heard(self, spectrum: NDArray[np.float16], channel: Channel, longest: int) -> FloatArray:
        rng = self._rng
        n = min(longest, len(spectrum)) // 4 * 4
        if rng.random() < 0.25:  # a shorter piece, as provisional results hear it
            n = max(MIN_FRAMES, int(n * rng.uniform(0.4, 1.0))) // 4 * 4
        n = min(n, len(spectrum) // 4 * 4)
        start = int(rng.integers(0, len(spectrum) - n + 1))
        return levelled(channel(spectrum[start : start + n].astype(np.float32), rng))


def draw_history(
    labels: NDArray[np.int64], rng: np.random.Generator, lengths: Sequence[int] = _HISTORY, calls: float = _CALLS
) -> FloatArray:
    """[n, n]: 1 for each clip of one person that was heard before each other.

    Mostly neutral ones, as in a call; for some people as they come, so that nothing rests on that.
    """
    n_clips = len(labels)
    odds = _NEUTRAL_ODDS if rng.random() < calls else 1.0
    heard = np.zeros((n_clips, n_clips), np.float32)
    for i in range(n_clips):
        others = np.flatnonzero(np.arange(n_clips) != i)
        neutral = labels[others] == NEUTRAL
        n = min(int(rng.choice(lengths)), len(others))
        # A neutral clip is drawn before any other four times out of five, for as long as there are some.
        keys = rng.random(len(others)) ** np.where(neutral, 1 / odds, 1.0)
        heard[i, others[np.argsort(-keys)[:n]]] = 1.0
    return heard
