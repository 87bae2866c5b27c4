"""Where `ser-track analyze` writes to: a stream of events as they come, or files per recording, in any format."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from ser_track.cli.output_files import file_names, make_folder, refuse_recordings, replacing, title_of
from ser_track.core.timeline import gather
from ser_track.errors import ConfigError
from ser_track.sinks.formats import FORMATS
from ser_track.sinks.jsonl import JsonLines
from ser_track.types import Event

JSONL: Final = "jsonl"
NAMES: Final = (JSONL, *FORMATS)
Put = Callable[[Event], None]
"""Takes each event of one recording, in their order."""


class Outputs(Protocol):
    """Takes the events of recordings, one recording after the other."""

    @property
    def on_terminal(self) -> bool:
        """Whether results scroll by on a terminal."""

    def recording(self, path: Path) -> AbstractContextManager[Put]:
        """Takes the events of the recording at ``path``; it is complete when the context ends without an error."""


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """What `open_outputs` reads: ``format`` and ``out``."""
    meanings = "; ".join(f"{name}: {format_.meaning}" for name, format_ in FORMATS.items())
    formats = f"one or more of {', '.join(NAMES)} (docs/formats.md); {JSONL}, the default: events; {meanings}"
    parser.add_argument(
        "--format", type=_formats, action="extend", metavar="NAME[,NAME…]", help=formats.replace("%", "%%")
    )
    out = f"a folder, which gets a file per recording and format; with {JSONL} alone, a file for the events of all"
    parser.add_argument("--out", metavar="DIR|FILE", help=f"{out}; without it, results go to stdout")


def open_outputs(
    formats: Sequence[str] | None, out: str | None, recordings: Sequence[Path]
) -> AbstractContextManager[Outputs]:
    """Where results of ``recordings`` go; folders are made, and a file for events is opened, when this is called.

    formats: of `NAMES`, `JSONL` where none is given.
    out: a folder, or a file for one format: for `JSONL` any name, for others, which take one recording, one with
        their suffix.

    Raises:
        ConfigError: it cannot be written there, or results of these formats cannot be told apart there.
    """
    wanted = list(dict.fromkeys(formats or [JSONL]))
    if out is None:
        return nullcontext(_on_stdout(wanted, recordings))
    target = Path(out)
    suffixes = {name: f".{JSONL}" if name == JSONL else FORMATS[name].suffix for name in wanted}
    if target.is_dir() or out.endswith(("/", os.sep)) or not (wanted == [JSONL] or target.suffix in suffixes.values()):
        make_folder(target)
        return nullcontext(_Files(file_names(target, suffixes, recordings)))
    refuse_recordings(target, recordings)
    if wanted == [JSONL]:
        return _stream_into(target)
    if len(wanted) == len(recordings) == 1:
        return nullcontext(_Files({recordings[0]: {wanted[0]: target}}))
    raise ConfigError("--out", [f"{_amount(wanted, recordings)} do not go into one file, {target}; name a folder"])


@dataclass(frozen=True, slots=True)
class _Stream:
    """JSON lines of all recordings on one stream, each when it happens."""

    stream: TextIO

    @property
    def on_terminal(self) -> bool:
        return self.stream.isatty()

    def recording(self, path: Path) -> AbstractContextManager[Put]:
        return nullcontext(JsonLines(self.stream).put)


@dataclass(frozen=True, slots=True)
class _Stdout:
    """The one recording, in one format that is made of the whole."""

    format: str

    @property
    def on_terminal(self) -> bool:
        return sys.stdout.isatty()

    @contextmanager
    def recording(self, path: Path) -> Iterator[Put]:
        events: list[Event] = []
        yield events.append
        if events:
            _write(self.format, title_of(path), events, sys.stdout)


@dataclass(frozen=True, slots=True)
class _Files:
    """Files per recording, written when all of it is known; a recording that could not be opened has none."""

    files: Mapping[Path, Mapping[str, Path]]

    @property
    def on_terminal(self) -> bool:
        return False

    @contextmanager
    def recording(self, path: Path) -> Iterator[Put]:
        events: list[Event] = []
        yield events.append
        for name, file in self.files[path].items() if events else ():
            with replacing(file) as stream:
                _write(name, title_of(path), events, stream)


def _write(name: str, title: str, events: Sequence[Event], stream: TextIO) -> None:
    if name == JSONL:
        lines = JsonLines(stream)
        for event in events:
            lines.put(event)
    else:
        FORMATS[name].write(gather(title, events), stream)


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"{name!r} is no format; give one of {', '.join(NAMES)}")
    return names


def _on_stdout(formats: list[str], recordings: Sequence[Path]) -> Outputs:
    if formats == [JSONL]:
        return _Stream(sys.stdout)
    if len(formats) == len(recordings) == 1:
        return _Stdout(formats[0])
    raise ConfigError("--format", [f"{_amount(formats, recordings)} cannot share stdout; name a folder with --out DIR"])


def _amount(formats: Sequence[str], recordings: Sequence[Path]) -> str:
    return f"{', '.join(formats)} of {len(recordings)} recording{'s' if len(recordings) > 1 else ''}"


@contextmanager
def _stream_into(path: Path) -> Iterator[Outputs]:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--out", [f"{path} cannot be written ({error.strerror}); name another file"]) from error
    with file:
        yield _Stream(file)
