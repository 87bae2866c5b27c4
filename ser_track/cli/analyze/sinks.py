"""The results of one recording on their way into files: whole, or not there."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from ser_track.cli.analyze.atomic_files import part_of, replacing, title_of
from ser_track.cli.analyze.done_list import DoneList
from ser_track.cli.analyze.inputs import Input
from ser_track.engine.timeline import gather
from ser_track.events import Event
from ser_track.output.documents import FORMATS
from ser_track.output.jsonl import JsonLines

JSONL: Final = "jsonl"
"""The format of events as they come; others are made of the whole."""


class Sink(Protocol):
    """Takes the events of one recording, in their order."""

    def put(self, event: Event) -> None:
        """Take one."""
        ...


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
    def sink(self) -> Iterator[Sink]:
        """Takes all events; the files are in their places when the context ends without an error.

        A recording that could not be opened, which has no events, has no files.

        Raises:
            OSError: they cannot be written.
        """
        with ExitStack() as stack:  # it closes backwards, so the last file is in its place when all are
            streams = {name: stack.enter_context(replacing(file)) for name, file in reversed([*self.files.items()])}
            with written_to(self.source, streams) as sink:
                yield sink

    def finish(self, beside: Iterable[Path] = ()) -> None:
        """Note that the recording is done, with the files ``beside`` that others wrote, and nothing of it failed."""
        if self.done is not None:
            self.done.add(self.source, [*self.files.values(), *beside])

    def noted(self, lines: set[str], beside: Iterable[Path] = ()) -> bool:
        """Whether it is in ``lines`` of the list that the recording is done, and all files are as they were then."""
        return self.done is not None and self.done.holds(lines, self.source, [*self.files.values(), *beside])

    def clean_up(self) -> None:
        """Take away what a process that was ended has begun."""
        for file in self.files.values():
            part_of(file).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Spooled:
    """The events of one recording in a temporary file, up to where they came, until it is their turn."""

    source: Input
    file: Path

    def __str__(self) -> str:
        """The recording's name in messages."""
        return str(self.source)

    @contextmanager
    def sink(self) -> Iterator[Sink]:
        """Takes all events.

        Raises:
            OSError: there is no room for them.
        """
        with self.file.open("w", encoding="utf-8") as stream:
            yield JsonLines(stream)

    def finish(self, beside: Iterable[Path] = ()) -> None:
        """Nothing is noted: the file is soon gone."""


@contextmanager
def written_to(source: Input, streams: Mapping[str, TextIO]) -> Iterator[Sink]:
    """Writes events to the stream of `JSONL` as they come; at the end, if there were any, what is made of them all."""
    sink = _Gathering(streams)
    yield sink
    if sink.events:
        timeline = gather(title_of(source.paths[0]), sink.events)
        for name in streams.keys() - {JSONL}:
            FORMATS[name].write(timeline, streams[name])


class _Gathering:
    """Keeps events only where a format needs them all."""

    def __init__(self, streams: Mapping[str, TextIO]) -> None:
        self.events: list[Event] = []
        self._lines = JsonLines(streams[JSONL]) if JSONL in streams else None
        self._keeps = bool(streams.keys() - {JSONL})

    def put(self, event: Event) -> None:
        if self._lines is not None:
            self._lines.put(event)
        if self._keeps:
            self.events.append(event)
