"""Files of results: what they are called, and how they come to be whole or not at all."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ser_track.cli.console import display_name
from ser_track.errors import ConfigError


def title_of(path: Path) -> str:
    """The recording's name, as text that can be written; it is the title of its timeline."""
    return "stdin" if str(path) == "-" else display_name(Path(path.name))


def file_names(folder: Path, suffixes: Mapping[str, str], recordings: Iterable[Path]) -> dict[Path, dict[str, Path]]:
    """The files in ``folder`` for each recording, by format: the recording's name with the format's suffix.

    A number is added where a recording before it has that name, or a recording lies there. Letters that differ in
    case alone count as alike, as some file systems take them.
    """
    named: dict[Path, dict[str, Path]] = {}
    unique = list(dict.fromkeys(recordings))
    kept, taken = {_identity(path) for path in unique} - {None}, set[str]()
    for path in unique:
        wanted = stem = title_of(path).removesuffix(path.suffix) or "recording"
        number = 1
        while True:
            files = {name: folder / f"{stem}{suffix}" for name, suffix in suffixes.items()}
            if stem.casefold() not in taken and not any(_identity(file) in kept for file in files.values()):
                break
            number += 1
            stem = f"{wanted}-{number}"
        taken.add(stem.casefold())
        named[path] = files
    return named


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text stream whose content takes the place of ``path`` at the end, at once; after an error nothing changed.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".ser-track-{os.getpid()}{path.suffix}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(path)
    except BaseException:  # Ctrl-C as well
        part.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Make ``folder`` where it is not there.

    Raises:
        ConfigError: it cannot be made, or not written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{folder} cannot be made a folder ({error.strerror}); name another"
        raise ConfigError("--out", [reason]) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("--out", [f"{folder} is a folder that we may not write into; name another"])


def refuse_recordings(path: Path, recordings: Iterable[Path]) -> None:
    """Let ``path`` be written to.

    Raises:
        ConfigError: it is one of ``recordings``, perhaps by another name.
    """
    identity = _identity(path)
    if identity is not None and identity in {_identity(recording) for recording in recordings}:
        raise ConfigError("--out", [f"{path} is one of the recordings; name another file"])


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same for all names of one file; none where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
