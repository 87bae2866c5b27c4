"""Finds the recordings that a command line names: files, folders, patterns, standard input."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from ser_track.cli.console import display_name
from ser_track.errors import AudioError, ConfigError
from ser_track.recordings.recording import STDIN, is_dump

_SOUND: Final = ".aac .aif .aiff .amr .au .caf .flac .m4a .mka .mp3 .oga .ogg .opus .wav .wma"
_PICTURE: Final = ".3gp .avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv"
_PACKETS: Final = ".cap .mjr .pcap .pcapng .rtp .rtpdump"
SUFFIXES: Final = frozenset(f"{_SOUND} {_PICTURE} {_PACKETS}".split())
"""Suffixes of recordings in a folder; a file that is named itself is tried whatever its suffix."""


@dataclass(frozen=True, slots=True)
class Input:
    """One or several files that become one stream of events."""

    paths: tuple[Path, ...]
    """Several files are one meeting."""
    place: PurePath
    """Path of its results below an output folder, without their suffix."""

    def __str__(self) -> str:
        """Its name in messages and events: the first file as it was given."""
        return display_name(self.paths[0])


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a command line names."""

    found: list[Input]
    missing: list[str]
    """Messages about folders and patterns without recordings."""


def find_inputs(named: Sequence[Path], together: bool = False) -> Inputs:
    """The recordings in ``named``, in that order; ``together`` makes them one meeting.

    Raises:
        ConfigError: standard input among other files.
    """
    if STDIN in named and len(named) > 1:
        raise ConfigError("FILE", ["- is standard input and cannot be combined with other files; give it alone"])
    files, missing = list[tuple[Path, PurePath]](), list[str]()
    for path in named:
        try:
            files += _files(path)
        except AudioError as error:
            missing.append(str(error))
    places = _places(files)
    if together and files:
        return Inputs([Input(tuple(path for path, _ in files), places[0])], missing)
    return Inputs([Input((path,), place) for (path, _), place in zip(files, places, strict=True)], missing)


def _files(path: Path) -> Iterator[tuple[Path, PurePath]]:
    """Each file that ``path`` stands for, and its name below the folder that was given."""
    if path == STDIN:
        yield path, PurePath("stdin")
    elif _is_folder(path):
        yield from _in_folder(path)
    elif any(sign in str(path) for sign in "*?[") and not path.exists():
        matching = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not matching:
            raise AudioError(f"{path} does not match any file; correct the pattern")
        for match in matching:
            yield from _in_folder(match) if match.is_dir() else [(match, PurePath(match.name))]
    else:
        yield path, PurePath(path.name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not a possible file name: opening it reports this
        return False


def _in_folder(folder: Path) -> Iterator[tuple[Path, PurePath]]:
    found = False
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if not hidden and path.is_file() and _is_recording(path):
            found = True
            yield path, place
    if not found:
        raise AudioError(f"{folder} does not contain recordings; give a folder with audio, video or recorded packets")


def _is_recording(path: Path) -> bool:
    try:
        return path.suffix.lower() in SUFFIXES or is_dump(path)
    except AudioError:  # it cannot be read, and it need not be a recording
        return False


def _places(files: Sequence[tuple[Path, PurePath]]) -> list[PurePath]:
    """Names without suffixes, unless only the suffixes distinguish two recordings."""
    whole, bare = Counter[str](), Counter[str]()
    for _, place in dict.fromkeys(files):
        whole[_alike(place)] += 1
        bare[_alike(place.with_suffix(""))] += 1
    return [
        place if bare[_alike(place.with_suffix(""))] > whole[_alike(place)] == 1 else place.with_suffix("")
        for _, place in files
    ]


def _alike(place: PurePath) -> str:
    """On some file systems, names that differ only in case are equal."""
    return str(place).casefold()
