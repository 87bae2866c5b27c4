"""Calls made of a user's clips: random ones to learn from, and those of `ser-track evaluate --adapt` to judge."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ser_track.cli.call_order import DEFAULT_NEUTRAL_SHARE, Mix, calls_of
from ser_track.cli.manifest import Clip
from ser_track.cli.tune.heard import Indices

ROUNDS: Final = 3
"""How often each clip is played to learn from."""
_SEED: Final = 13
_CALL_CLIPS: Final = (4, 33)
_BEFORE: Final = (0, 9)
Call = list[tuple[int, bool]]
"""Index of each clip that is played, and whether it counts: others are history only."""


def to_judge(clips: Sequence[Clip], neutral: int | None) -> Iterator[Call]:
    """Each speaker's clips as `ser-track evaluate --adapt` plays them; each clip counts when it is played first."""
    named = [(index, clip) for index, clip in enumerate(clips) if clip.speaker]
    mix = Mix(None) if neutral is None else Mix(DEFAULT_NEUTRAL_SHARE, neutral)
    for call in calls_of([(clip.speaker, clip.name, clip.emotion) for _, clip in named], mix):
        seen: set[int] = set()
        plays: Call = []
        for play in call.plays:
            plays.append((named[play.clip][0], play.clip not in seen))
            seen.add(play.clip)
        yield plays


def to_learn(labels: Indices, speakers: Sequence[str], neutral: int | None) -> Iterator[Call]:
    """Each speaker's clips in `ROUNDS` random orders, cut into calls of random length.

    Every other call begins with up to eight neutral clips as history: people are neutral most of the time.
    """
    rng = np.random.default_rng(_SEED)
    for own in _by_speaker(speakers):
        for _ in range(ROUNDS):
            order = [own[i] for i in rng.permutation(len(own))]
            while order:
                length = int(rng.integers(*_CALL_CLIPS))
                said, order = order[:length], order[length:]
                calm = sorted({i for i in own if labels[i] == neutral} - set(said))
                before = rng.permutation(calm)[: int(rng.integers(*_BEFORE)) * int(rng.integers(0, 2))]
                yield [(int(i), False) for i in before] + [(i, True) for i in said]


def _by_speaker(speakers: Sequence[str]) -> list[list[int]]:
    """The clips of each speaker; those whose speaker is unknown are left out."""
    own: dict[str, list[int]] = defaultdict(list)
    for clip, speaker in enumerate(speakers):
        if speaker:
            own[speaker].append(clip)
    return [own[speaker] for speaker in sorted(own)]
