"""Sinks that write the results of one recording into files, completely or not at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from ser_track.cli.analyze.atomic_files import PART, part_of, replaced, replacing
from ser_track.cli.analyze.documents import Documents
from ser_track.cli.analyze.done_list import DoneList
from ser_track.cli.analyze.heard import Heard
from ser_track.cli.analyze.inputs import Input
from ser_track.event_types import EncodedEvent
from ser_track.output.documents import FORMATS, Gatherer, Results
from ser_track.output.jsonl import JsonLines
from ser_track.recordings.recording import Recording
from ser_track.safe_text import SafeStream
from ser_track.shortages import STDOUT, naming

JSONL: Final = "jsonl"
"""The format of events as they happen; the other formats are made from the whole recording."""
Fail = Callable[[str], None]
"""Receives messages about results that could not be written, or only in part."""


class RecordingSink:
    """A sink for one recording: writes its events as lines, and collects the data for its documents."""

    def __init__(self, lines: JsonLines | None, gatherer: Gatherer | None) -> None:
        """Either may be ``None``."""
        self.any = False
        """Whether it received an event; a recording that could not be opened has none."""
        self._gatherer = gatherer
        self._sinks = [sink for sink in (lines, gatherer) if sink is not None]

    def put(self, event: EncodedEvent) -> None:
        """Take one event."""
        self.any = True
        for sink in self._sinks:
            sink.put(event)

    def listen(self, recording: Recording, names: Sequence[str] = ()) -> Recording:
        """Return ``recording``, and collect its sound while it is read if a document shows sound.

        names: the participants' names in the events, if they differ from those of the recording.
        """
        if self._gatherer is None or not self._gatherer.hears:
            return recording
        return Heard.of(recording, names, self._gatherer)


@dataclass(frozen=True, slots=True)
class WholeFiles:
    """The files of one recording, by format. Worker processes use this too."""

    source: Input
    files: Mapping[str, Path]
    done: DoneList | None = None

    def __str__(self) -> str:
        """The recording's name in messages."""
        return str(self.source)

    @contextmanager
    def sink(self, documents: Documents, fail: Fail) -> Iterator[RecordingSink]:
        """Yield a sink for all events; the files are in their places when the context ends without an error.

        A recording that could not be opened has no events, and gets no files.

        Raises:
            OSError: they cannot be written.
        """
        with ExitStack() as stack:  # it closes in reverse order, so the last file is put in place last
            lines: TextIO | None = None
            streams: dict[str, BinaryIO] = {}
            for name, file in reversed([*self.files.items()]):
                if name == JSONL:
                    lines = stack.enter_context(replacing(file))
                else:
                    part = stack.enter_context(replaced(file))
                    streams[name] = stack.enter_context(part.open("wb"))
            with written_to(self.source, lines, streams, documents, fail) as sink:
                yield sink

    def finish(self, beside: Iterable[Path] = ()) -> None:
        """Note that the recording is done without failures, with the files ``beside`` that others wrote."""
        if self.done is not None:
            self.done.add(self.source, [*self.files.values(), *beside])

    def noted(self, lines: set[str], beside: Iterable[Path] = ()) -> bool:
        """Whether ``lines`` of the list say that the recording is done, and all files are unchanged since."""
        return self.done is not None and self.done.holds(lines, self.source, [*self.files.values(), *beside])

    def clean_up(self) -> None:
        """Remove unfinished files of a process that was ended."""
        for file in self.files.values():
            part_of(file).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Spooled:
    """The events of one recording so far, in a temporary file, until it is their turn."""

    source: Input
    file: Path

    def __str__(self) -> str:
        """The recording's name in messages."""
        return str(self.source)

    @contextmanager
    def sink(self, documents: Documents, fail: Fail) -> Iterator[RecordingSink]:
        """Yield a sink for all events.

        Raises:
            OSError: the disk is full.
        """
        with (
            self.file.open("w", encoding="utf-8") as lines,
            written_to(self.source, lines, {}, documents, fail) as sink,
        ):
            yield sink

    def finish(self, beside: Iterable[Path] = ()) -> None:
        """Do nothing: the file is temporary."""


@contextmanager
def written_to(
    source: Input, lines: TextIO | SafeStream | None, streams: Mapping[str, BinaryIO], documents: Documents, fail: Fail
) -> Iterator[RecordingSink]:
    """Write events to ``lines`` as they happen; at the end, if there were any, write each document to its stream."""
    gatherer = documents.gatherer(source, streams)
    try:
        sink = RecordingSink(None if lines is None else JsonLines(lines, _final_name(lines)), gatherer)
        yield sink
        if sink.any and gatherer is not None:
            results = gatherer.results()
            for name, stream in streams.items():
                with naming(_final_name(stream)):
                    _write(name, results, stream, source, fail)
                    stream.flush()
            documents.write(source, results, fail)
    finally:
        if gatherer is not None:
            gatherer.close()


def _final_name(stream: object) -> str:
    """The file that ``stream`` writes, by the name that it will have."""
    name = getattr(stream, "name", None)
    if not isinstance(name, (str, Path)) or str(name).startswith("<"):
        return STDOUT
    return str(name).removesuffix(PART)


def _write(name: str, results: Results, stream: BinaryIO, source: Input, fail: Fail) -> None:
    try:
        told = FORMATS[name].write(results, stream)
    except OSError:
        raise
    except Exception as error:
        package = FORMATS.package_of(name)
        if package is None:
            raise
        with suppress(OSError):  # not possible for a pipe
            stream.seek(0)
            stream.truncate()
        fail(f"{source}: the format {name} of the package {package} failed ({error!r}); tell its authors")
        return
    for message in told:
        fail(f"{source}, {name}: {message}")
