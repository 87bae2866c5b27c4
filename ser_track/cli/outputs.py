"""Where the results of each recording go: all into one stream, or into a folder with files of its own for each."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from ser_track.cli.inputs import Input
from ser_track.errors import ConfigError
from ser_track.sinks.jsonl import JsonLines
from ser_track.types import Event

_PART: Final = ".part"
_DONE: Final = "ser-track-done.jsonl"


class Sink(Protocol):
    """Takes the events of one recording, in their order."""

    def put(self, event: Event) -> None:
        """Take one."""
        ...


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """A folder with the results of each recording, and a list of the recordings that are done.

    A file of results is whole or not there: until it is complete it has another name. Worker processes use this too.
    """

    folder: Path
    settings: str
    """All that results depend on beside the recording; another text makes them anew."""

    def prepare(self, sources: Sequence[Input]) -> None:
        """Make the folder.

        Raises:
            ConfigError: it cannot be made, or two of ``sources`` would have one file.
        """
        often = Counter(source.place for source in sources)
        if same := [str(place) for place, count in often.items() if count > 1]:
            raise ConfigError("--out", [f"several recordings are called {same[0]}; give the folder above them instead"])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError("--out", [f"{self.folder} cannot be made ({error.strerror}); name another"]) from error

    @contextmanager
    def sink(self, source: Input) -> Iterator[Sink]:
        """Where the events of ``source`` go.

        Raises:
            OSError: the folder cannot be written to.
        """
        target = self.result(source)
        part = target.with_name(target.name + _PART)
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as file:
            yield JsonLines(file)
        part.replace(target)

    def finish(self, source: Input) -> None:
        """Note that ``source`` is done and nothing of it failed."""
        try:
            line = json.dumps(self._entry(source)) + "\n"
        except OSError:  # standard input, or gone meanwhile: nothing to know it by when it is given again
            return
        # One write at the end of the file, so that several processes may do it.
        with (self.folder / _DONE).open("ab", buffering=0) as file:
            file.write(line.encode())

    def done(self, sources: Sequence[Input]) -> set[Input]:
        """Those of ``sources`` whose results are there, whole, of these settings and of the file as it is now."""
        entries = set[str]()
        try:
            lines = (self.folder / _DONE).read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            lines = []
        for line in lines:
            try:
                entries.add(json.dumps(json.loads(line)))
            except ValueError:  # cut off when the power failed: then that one is done again
                continue
        return {source for source in sources if self.result(source).exists() and self._known(source, entries)}

    def clean_up(self, sources: Sequence[Input]) -> None:
        """Take away what was begun of ``sources`` and not finished."""
        for source in sources:
            target = self.result(source)
            target.with_name(target.name + _PART).unlink(missing_ok=True)

    def result(self, source: Input) -> Path:
        """The file of events of ``source``."""
        return self.folder / source.place.with_name(source.place.name + ".jsonl")

    def _known(self, source: Input, entries: set[str]) -> bool:
        try:
            return json.dumps(self._entry(source)) in entries
        except OSError:
            return False

    def _entry(self, source: Input) -> dict[str, object]:
        states = [(str(path.resolve()), path.stat()) for path in source.paths]
        files = [[name, state.st_size, state.st_mtime_ns] for name, state in states]
        digest = hashlib.sha256(self.settings.encode()).hexdigest()[:16]
        return {"result": self.result(source).name, "files": files, "settings": digest}


@contextmanager
def one_stream(out: TextIO | Path, sources: Sequence[Input]) -> Iterator[TextIO]:
    """The stream that all results go to.

    Raises:
        ConfigError: it cannot be written, or is one of the recordings.
    """
    if not isinstance(out, Path):
        yield out
        return
    paths = [path for source in sources for path in source.paths]
    if any(out.exists() and path.exists() and out.samefile(path) for path in paths):
        raise ConfigError("--out", [f"{out} is one of the recordings; name another file"])
    try:
        file = out.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError("--out", [f"{out} cannot be written ({error.strerror}); name another file"]) from error
    with file:
        yield file
