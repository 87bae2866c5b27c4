"""Lists of labelled recordings: CSV with `path`, `emotion` and, if known, `speaker`."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ser_track.errors import ConfigError
from ser_track.labels import FOUR, LabelSet

_SYNONYMS: Final = {
    "anger": "anger",
    "angry": "anger",
    "happiness": "happiness",
    "happy": "happiness",
    "sadness": "sadness",
    "sad": "sadness",
    "neutral": "neutral",
    "calm": "neutral",
    "disgust": "disgust",
    "disgusted": "disgust",
    "fear": "fear",
    "fearful": "fear",
}

OTHER: Final = -1
"""In place of a label's index: an emotion that is not among the labels."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording; ``emotion`` is the index of its label, ``name`` the path as the manifest spells it."""

    name: str
    path: Path
    emotion: int
    speaker: str
    word: str = field(default="", compare=False)
    """The emotion as the manifest spells it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The clips to judge, the number of clips left out per unknown emotion, and the lines of unusable rows."""

    clips: tuple[Clip, ...]
    other_emotions: dict[str, int]
    broken_lines: tuple[int, ...]
    others: tuple[Clip, ...] = ()
    """The clips left out; their ``emotion`` is `OTHER`."""


def read_manifest(path: Path, labels: LabelSet = FOUR) -> Manifest:
    """Read ``path``; the paths of clips are relative to it. A row without path or emotion is listed and left out.

    labels: the labels to evaluate; clips of other emotions are counted and left out.

    Raises:
        ConfigError: the file cannot be read, or a column is missing.
    """
    clips: list[Clip] = []
    others: list[Clip] = []
    broken: list[int] = []
    known = words_of(labels)
    for line, row in _rows(path):
        name, word = _cell(row, "path"), _cell(row, "emotion")
        if not name or not word:
            broken.append(line)
            continue
        clip = Clip(name, path.parent / name, known.get(word.lower(), OTHER), _cell(row, "speaker"), word)
        (others if clip.emotion == OTHER else clips).append(clip)
    counts = Counter(clip.word.lower() for clip in others)
    return Manifest(tuple(clips), dict(sorted(counts.items())), tuple(broken), tuple(others))


def meaning_of(word: str) -> str | None:
    """The emotion among our six that ``word`` stands for, by its name or one of our synonyms; ``None`` if none does."""
    return _SYNONYMS.get(word.lower())


def words_of(labels: LabelSet) -> dict[str, int]:
    """Map words of a manifest, in lower case, to labels: by name, by title, or by one of our synonyms.

    The words for one of our emotions also mean the first label that stands for it (`LabelSet.compatible`).
    """
    words = {label.title.lower(): index for index, label in enumerate(labels.labels)}
    words |= {label.name.lower(): index for index, label in enumerate(labels.labels)}
    ours = {labels.compatible.get(name, name): index for index, name in reversed([*enumerate(labels.names)])}
    return {word: ours[name] for word, name in _SYNONYMS.items() if name in ours} | words


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        # Spreadsheets begin UTF-8 files with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = [name for name in ("path", "emotion") if name not in reader.fieldnames]
            if missing:
                lacking = " and ".join(f"'{name}'" for name in missing)
                raise ConfigError(
                    str(path), [f"there is no column {lacking}; the first line must name path, emotion[, speaker]"]
                )
            return [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["the manifest does not exist; correct the path"]) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(str(path), [f"not readable as CSV in UTF-8 ({error})"]) from error


def _cell(row: dict[str, str], column: str) -> str:
    """The text of a cell; a row that is too short has ``None`` in its last columns."""
    return (row.get(column) or "").strip()
