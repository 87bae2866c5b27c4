"""Files of results: their names, and how each is written completely or not at all."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from ser_track.cli.analyze.inputs import Input
from ser_track.cli.console import display_name
from ser_track.errors import AudioError, ConfigError
from ser_track.recordings.recording import STDIN, is_dump
from ser_track.shortages import naming

PART: Final = ".part"
Identity = tuple[int, int]
"""Identifies a file, whatever name it is opened by."""


def title_of(path: Path) -> str:
    """The recording's name, as text that can be written; it is the title of its timeline."""
    return "stdin" if path == STDIN else display_name(Path(path.name))


def file_names(folder: Path, suffixes: Mapping[str, str], sources: Sequence[Input]) -> dict[Input, dict[str, Path]]:
    """The files in ``folder`` for each of ``sources``, by format: the recording's place with the format's suffix.

    A number is added if an earlier recording has that place, or if there is a recording in that place. Names that
    differ only in case count as equal, as on some file systems. A recording that is given twice has its files once.
    """
    named: dict[Input, dict[str, Path]] = {}
    kept, taken = _identities(sources), set[str]()
    for source in dict.fromkeys(sources):
        place, number = source.place, 1
        while True:
            files = {name: folder / place.with_name(place.name + suffix) for name, suffix in suffixes.items()}
            if str(place).casefold() not in taken and not any(_is_recording(file, kept) for file in files.values()):
                break
            number += 1
            place = source.place.with_name(f"{source.place.name}-{number}")
        taken.add(str(place).casefold())
        named[source] = files
    return named


def part_of(file: Path) -> Path:
    """The name of ``file`` until it is complete."""
    return file.with_name(file.name + PART)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a file to write, which replaces ``path`` atomically at the end; its folder is created.

    If nothing was written, or after an error, ``path`` is unchanged.

    Raises:
        OSError: it cannot be written.
    """
    part = part_of(path)
    try:
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            if part.stat().st_size:
                part.replace(path)
    finally:  # after Ctrl-C as well
        part.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Like `replaced`, but yield a text stream."""
    with replaced(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def make_folder(folder: Path) -> None:
    """Create ``folder`` if it does not exist.

    Raises:
        ConfigError: it cannot be created, or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder {folder} cannot be created ({error.strerror}); name another"
        raise ConfigError("--out", [reason]) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("--out", [f"the folder {folder} is not writable; name another"])


def refuse_recordings(option: str, path: Path, sources: Iterable[Input]) -> None:
    """Check that ``path``, which ``option`` names, is not a recording.

    Raises:
        ConfigError: it is one of the recordings, perhaps by another name.
    """
    if {_identity(path), _identity(part_of(path))} & _identities(sources):
        raise ConfigError(option, [f"{path} is one of the recordings; name another file"])


def _is_recording(file: Path, kept: set[Identity | None]) -> bool:
    """Whether writing to ``file`` would destroy a recording: one that is ``kept``, or recorded packets."""
    for path in (file, part_of(file)):
        try:
            if _identity(path) in kept or (path.is_file() and is_dump(path)):
                return True
        except AudioError:  # we cannot read it: the attempt to write reports this
            continue
    return False


def _identities(sources: Iterable[Input]) -> set[Identity | None]:
    return {_identity(path) for source in sources for path in source.paths} - {None}


def _identity(path: Path) -> Identity | None:
    """None if the file does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
