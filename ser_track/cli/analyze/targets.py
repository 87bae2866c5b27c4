"""Targets of `ser-track analyze`: one stream as results happen, or complete files for each recording, in any format."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TextIO

from ser_track.cli.analyze.atomic_files import file_names, make_folder, refuse_recordings
from ser_track.cli.analyze.documents import Documents
from ser_track.cli.analyze.done_list import DoneList
from ser_track.cli.analyze.inputs import Input
from ser_track.cli.analyze.sinks import JSONL, Fail, RecordingSink, WholeFiles, written_to
from ser_track.errors import ConfigError
from ser_track.output.documents import FORMATS
from ser_track.safe_text import SafeStream, shown_on
from ser_track.shortages import naming


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """The results of all recordings on one stream; formats other than `JSONL` allow only one recording."""

    sources: Sequence[Input]
    stream: TextIO
    format: str = JSONL

    @property
    def on_terminal(self) -> bool:
        """Whether results are printed on a terminal."""
        return self.stream.isatty()

    @property
    def lines(self) -> TextIO | SafeStream:
        """The stream for text."""
        return shown_on(self.stream)

    @contextmanager
    def sink(self, source: Input, documents: Documents, fail: Fail) -> Iterator[RecordingSink]:
        """Yield a sink for the events of ``source``; a document is written when the context ends without an error."""
        if self.format == JSONL:
            with written_to(source, self.lines, {}, documents, fail) as sink:
                yield sink
            return
        output = BytesIO() if self.on_terminal else self.stream.buffer
        with written_to(source, None, {self.format: output}, documents, fail) as sink:
            yield sink
        if self.on_terminal and isinstance(output, BytesIO):
            self.lines.write(output.getvalue().decode(errors="replace"))
        output.flush()


@dataclass(frozen=True, slots=True)
class Files:
    """Files for each recording."""

    results: list[WholeFiles]
    done: DoneList | None = None
    """The list of their folder, if they are in one folder."""
    resume: bool = False
    """Whether to skip recordings that are done."""

    @property
    def sources(self) -> list[Input]:
        """Each recording once."""
        return [results.source for results in self.results]

    @property
    def on_terminal(self) -> bool:
        """Always false."""
        return False

    def noted(self, beside: Callable[[Input], Iterable[Path]]) -> set[Input]:
        """The recordings that are done according to ``done``, including the files ``beside`` that others write."""
        lines = set() if self.done is None else self.done.read()
        return {each.source for each in self.results if each.noted(lines, beside(each.source))}


def format_names() -> tuple[str, ...]:
    """All that ``--format`` takes."""
    return (JSONL, *FORMATS)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `open_outputs` reads: ``format``, ``out`` and ``resume``."""
    meanings = "; ".join(map(_meaning, FORMATS))
    formats = f"one or more of {', '.join(format_names())} (docs/formats.md); {JSONL}, the default: events; {meanings}"
    parser.add_argument(
        "--format", type=_formats, action="extend", metavar="NAME[,NAME…]", help=formats.replace("%", "%%")
    )
    out = f"a folder, which gets a file per recording and format; with {JSONL} alone, a file for the events of all"
    parser.add_argument("--out", metavar="FOLDER/|FILE", help=f"{out}; without it, results go to stdout")
    resume = "skip recordings whose results are in --out FOLDER/, complete and with the same settings"
    parser.add_argument("--resume", action="store_true", help=resume)


def open_outputs(
    formats: Sequence[str] | None,
    out: str | None,
    sources: Sequence[Input],
    settings: Sequence[str] = ("",),
    resume: bool = False,
) -> AbstractContextManager[StreamTarget | Files]:
    """The target for results of ``sources``; this call creates folders, and opens a file for events.

    formats: names from `format_names`; by default `JSONL`.
    out: a folder, or a file for one format: for `JSONL` any name; for other formats, which allow one recording, a name
        with their suffix.
    settings: texts for the settings that results depend on; ``resume`` repeats recordings with other settings.

    Raises:
        ConfigError: the target cannot be written, cannot hold several formats or recordings, a format needs a
            package that is not installed, or ``resume`` has no folder.
    """
    wanted = list(dict.fromkeys(formats or [JSONL]))
    suffixes = _suffixes(wanted)
    if out is not None and _is_folder(out, wanted, suffixes):
        folder = Path(out)
        make_folder(folder)
        done = DoneList.of(folder, settings)
        named = file_names(folder, suffixes, sources)
        return nullcontext(Files([WholeFiles(source, files, done) for source, files in named.items()], done, resume))
    if resume:
        raise ConfigError("--resume", ["it needs a folder with a list of what is done; give --out FOLDER/"])
    if out is None:
        return nullcontext(_on_stdout(wanted, sources))
    return _into_file(Path(out), wanted, sources)


def _suffixes(formats: list[str]) -> dict[str, str]:
    suffixes = {JSONL: f".{JSONL}"} if JSONL in formats else {}
    for name in formats:
        if name == JSONL:
            continue
        if (missing := FORMATS[name].missing()) is not None:
            raise ConfigError("--format", [f"{name}: {missing}"])
        suffix = FORMATS[name].suffix
        if same := [other for other, taken in suffixes.items() if taken.casefold() == suffix.casefold()]:
            raise ConfigError("--format", [f"{name} and {same[0]} both write files with {suffix}; give one of them"])
        suffixes[name] = suffix
    return {name: suffixes[name] for name in formats}


def _is_folder(out: str, formats: list[str], suffixes: dict[str, str]) -> bool:
    if out.endswith(("/", os.sep)) or Path(out).is_dir():
        return True
    return formats != [JSONL] and Path(out).suffix not in suffixes.values()


def _on_stdout(formats: list[str], sources: Sequence[Input]) -> StreamTarget:
    if formats == [JSONL] or (len(formats) == 1 and len(sources) <= 1):
        return StreamTarget(sources, sys.stdout, formats[0])
    raise ConfigError(
        "--format", [f"{_amount(formats, sources)} cannot share stdout; name a folder with --out FOLDER/"]
    )


def _into_file(
    file: Path, formats: list[str], sources: Sequence[Input]
) -> AbstractContextManager[StreamTarget | Files]:
    refuse_recordings("--out", file, sources)
    if formats == [JSONL]:
        return _stream_into(file, sources)
    if len(formats) == 1 and len(sources) <= 1:
        return nullcontext(Files([WholeFiles(source, {formats[0]: file}) for source in sources]))
    raise ConfigError("--out", [f"{_amount(formats, sources)} do not go into one file, {file}; name a folder"])


@contextmanager
def _stream_into(path: Path, sources: Sequence[Input]) -> Iterator[StreamTarget]:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--out", [f"{path} cannot be written ({error.strerror}); name another file"]) from error
    with naming(path), file:
        yield StreamTarget(sources, file)


def _amount(formats: Sequence[str], sources: Sequence[Input]) -> str:
    return f"{', '.join(formats)} of {len(sources)} recording{'s' if len(sources) > 1 else ''}"


def _meaning(name: str) -> str:
    package = FORMATS.package_of(name)
    return (
        f"{name}: {FORMATS[name].meaning}"
        if package is None
        else f"{name}, from the package {package}: {FORMATS.summary_of(name)}"
    )


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in format_names():
            known = ", ".join(format_names())
            raise argparse.ArgumentTypeError(f"{name!r} is not a format; give one of {known}")
    return names
