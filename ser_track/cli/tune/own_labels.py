"""The labels of a user's manifest, and whether there is enough of each to learn and to judge."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from ser_track.cli.manifest import Clip, meaning_of, read_manifest
from ser_track.errors import ConfigError, ModelError
from ser_track.labels import COMPATIBLE, LabelSet

MIN_CLIPS: Final = 10
"""Of each label; fewer cannot be learnt, and their recall would be chance."""
MIN_SPEAKERS: Final = 3
"""Of each label: one is left out to judge, and two remain to learn from."""
_MAX_TITLE: Final = 40
_NAMES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class OwnClips:
    """A manifest's clips, in an order that does not depend on that of its rows."""

    labels: LabelSet
    clips: tuple[Clip, ...]
    broken_lines: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest whose labels are its own.

        Raises:
            ConfigError: it cannot be read, names a file twice, or a word cannot be a label.
        """
        manifest = read_manifest(path)
        every = sorted((*manifest.clips, *manifest.others), key=lambda clip: (clip.name, clip.speaker, clip.word))
        twice = [name for name, count in Counter(clip.path.resolve() for clip in every).items() if count > 1]
        if twice:
            shown = ", ".join(map(str, twice[:_NAMES_SHOWN]))
            raise ConfigError(str(path), [f"{len(twice)} files are named more than once ({shown}); name each once"])
        words = sorted({_folded(clip.word) for clip in every})
        index = {word: number for number, word in enumerate(words)}
        clips = tuple(replace(clip, emotion=index[_folded(clip.word)]) for clip in every)
        return cls(_label_set(path, words), clips, manifest.broken_lines)


def problems_of(clips: Sequence[Clip], labels: LabelSet, by_speaker: bool) -> list[str]:
    """Everything that there is too little of, each with its remedy.

    by_speaker: whether the parts of the cross-validation must have different speakers.
    """
    counts = Counter(clip.emotion for clip in clips)
    rare = [number for number in range(len(labels)) if counts[number] < MIN_CLIPS]
    problems = [
        f"label '{labels.labels[number].title}' has {counts[number]} clips; give at least {MIN_CLIPS}, "
        "or leave its rows out"
        for number in rare
    ]
    if not by_speaker:
        return problems
    if nameless := sum(not clip.speaker for clip in clips):
        return [*problems, _nameless(nameless, len(clips))]
    speakers: dict[int, set[str]] = defaultdict(set)
    for clip in clips:
        speakers[clip.emotion].add(clip.speaker)
    return problems + [
        f"label '{labels.labels[number].title}' is spoken by {len(found)} speaker{'s' if len(found) > 1 else ''} "
        f"({', '.join(sorted(found))}); give at least {MIN_SPEAKERS}, so that it can be judged on others than it was "
        "learnt from, leave its rows out, or use --folds clips for figures that hold for these speakers only"
        for number, found in sorted(speakers.items())
        if len(found) < MIN_SPEAKERS
    ]


def _nameless(count: int, total: int) -> str:
    return (
        f"{count} of {total} clips do not name their speaker; fill in the column 'speaker' (any name, the same for all "
        "clips of one voice), so that the head is judged on voices that it has not heard, or use --folds clips for "
        "figures that are too good for new voices"
    )


def _label_set(path: Path, words: Sequence[str]) -> LabelSet:
    if len(words) < 2:
        found = f"the only label is '{words[0]}'" if words else "it has no labelled clip"
        raise ConfigError(str(path), [f"{found}; give clips of at least two labels in the column 'emotion'"])
    names: list[str] = []
    for word in words:
        names.append(_name_of(word, names))
    titles = {name: word for name, word in zip(names, words, strict=True) if name != word}
    try:
        return LabelSet.of(names, titles=titles, compatible=_compatible_of(names, words))
    except ModelError as error:
        raise ConfigError(str(path), [f"its labels cannot be used: {error}"]) from error


def _compatible_of(names: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """The emotion among our four that each of ``names`` stands for, where its word is one of those that we know."""
    meanings = {name: meaning_of(word) for name, word in zip(names, words, strict=True)}
    return {name: meaning for name, meaning in meanings.items() if meaning in COMPATIBLE}


def _name_of(word: str, taken: Sequence[str]) -> str:
    """An identifier for ``word``: its letters without accents, ``label_1`` if it has none."""
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")[:_MAX_TITLE]
    if not name or not name[0].isalpha():
        name = f"label_{name or len(taken) + 1}"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _folded(word: str) -> str:
    """The same for spellings that differ in case or spaces only."""
    return " ".join(unicodedata.normalize("NFC", word).lower().split())
