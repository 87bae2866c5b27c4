"""`--report` and `--plot` of `analyze`: documents of each recording that the command line names one by one."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ser_track.cli.analyze.atomic_files import part_of, refuse_recordings, replaced, title_of
from ser_track.cli.analyze.inputs import Input
from ser_track.errors import ConfigError
from ser_track.labels import FOUR, LabelSet
from ser_track.output.documents import FORMATS, Gatherer, Results, SoundKept

_PAGES: Final = {".html": "html", ".htm": "html"}
_PICTURES: Final = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document of each recording; ``{name}`` and ``{folder}`` in ``template`` are the recording's."""

    format: str
    template: str

    def file(self, source: Input) -> Path:
        """Where the document of ``source`` goes."""
        folder = source.paths[0].absolute().parent.name
        return Path(self.template.replace("{folder}", folder).replace("{name}", source.place.name))


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents to make of every recording, in addition to the results in ``--out`` or on stdout."""

    named: tuple[NamedDocument, ...]
    with_sound: bool
    """Whether pages contain the sound itself."""
    min_confidence: float
    labels: LabelSet = FOUR
    """Labels of the model."""

    def files(self, source: Input) -> list[Path]:
        """The files to write for ``source``."""
        return [document.file(source) for document in self.named]

    def gatherer(self, source: Input, formats: Iterable[str]) -> Gatherer | None:
        """Collects the data for these documents of ``source`` and those in ``formats``; ``None`` if there are none."""
        wanted = [FORMATS[name] for name in (*formats, *(document.format for document in self.named))]
        if not wanted:
            return None
        shown = any(each.shows_sound for each in wanted)
        sound: SoundKept = "none" if not shown else "recording" if self.with_sound else "waveforms"
        return Gatherer(title_of(source.paths[0]), self.min_confidence, sound, self.labels)

    def write(self, source: Input, results: Results, fail: Callable[[str], None]) -> None:
        """Write the documents of ``source``; failures are reported to ``fail``."""
        for document in self.named:
            file = document.file(source)
            with _told(file, fail), replaced(file) as part, part.open("wb") as output:
                for message in FORMATS[document.format].write(results, output):
                    fail(f"{file}: {message}")

    def clean_up(self, sources: Iterable[Input]) -> None:
        """Remove unfinished files of a process that was ended."""
        for source in sources:
            for file in self.files(source):
                part_of(file).unlink(missing_ok=True)


def add_document_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `documents_of` reads."""
    several = "with several recordings, {name} in it stands for the recording's name, {folder} for its folder's"
    parser.add_argument("--report", metavar="FILE.html", help=f"write a page with timeline and summary; {several}")
    audio = "embed: pages also contain the recording's sound, with people's voices; default: none"
    parser.add_argument("--report-audio", choices=("none", "embed"), default="none", help=audio)
    formats = "png, svg or pdf; needs matplotlib (pip install 'ser-track[plot]')"
    parser.add_argument(
        "--plot",
        metavar="FILE.svg",
        help=f"draw the timeline for print: {formats}; several recordings: see --report",
    )


def documents_of(
    args: argparse.Namespace, sources: Sequence[Input], min_confidence: float, labels: LabelSet = FOUR
) -> Documents:
    """The documents that ``args`` ask for, checked before any work is done.

    Raises:
        ConfigError: matplotlib is missing, or a file cannot be written, or would replace something else.
    """
    with_sound = args.report_audio == "embed"
    if with_sound and args.report is None and "html" not in (args.format or ()):
        raise ConfigError("--report-audio", ["there is no page to put the sound into; give --report FILE.html too"])
    named = [
        _named(option, template, formats, sources)
        for option, template, formats in (("--report", args.report, _PAGES), ("--plot", args.plot, _PICTURES))
        if template is not None
    ]
    return Documents(tuple(named), with_sound, min_confidence, labels)


def _named(option: str, template: str, formats: dict[str, str], sources: Sequence[Input]) -> NamedDocument:
    suffix = Path(template).suffix.lower()
    if suffix not in formats:
        raise ConfigError(option, [f"{template} must end in {' or '.join(formats)}"])
    document = NamedDocument(formats[suffix], template)
    if (missing := FORMATS[document.format].missing()) is not None:
        raise ConfigError(option, [missing])
    often = Counter(document.file(source) for source in sources)
    for target, count in often.items():
        if count > 1:
            remedy = "put {name} into it, as in 'pages/{name}.html', or {folder}-{name} where names are the same"
            raise ConfigError(option, [f"{target} would be written for {count} recordings; {remedy}"])
        folder = target.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or target.is_dir():
            raise ConfigError(option, [f"{target} cannot be written; name a file in a folder that exists"])
        refuse_recordings(option, target, sources)
    return document


@contextmanager
def _told(target: Path, fail: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fail(f"{target} cannot be written ({error.strerror or error}); make room or name another file")
