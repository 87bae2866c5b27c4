"""Which results in a folder are done: a list beside them, for `--resume`."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ser_track.cli.analyze.inputs import Input
from ser_track.recordings.recording import STDIN
from ser_track.shortages import naming

_NAME: Final = "ser-track-done.jsonl"


@dataclass(frozen=True, slots=True)
class DoneList:
    """A line for each result file of a recording that was analysed without failures. Worker processes use this too.

    The line holds the state of that file and of the recording, so it is valid while neither has changed.
    """

    path: Path
    settings: tuple[str, ...]
    """Digests of everything else that results depend on: the one to write, and those that older lists have."""

    @classmethod
    def of(cls, folder: Path, settings: Sequence[str]) -> Self:
        """The list of the results in ``folder``; ``settings`` are equivalent texts, the newest first."""
        return cls(folder / _NAME, tuple(hashlib.sha256(text.encode()).hexdigest()[:16] for text in settings))

    def add(self, source: Input, files: Iterable[Path]) -> None:
        """Note that ``files`` are the complete results of ``source``.

        Raises:
            OSError: the folder cannot be written to.
        """
        try:
            lines = self._lines(source, files, self.settings[0])
        except OSError:  # deleted meanwhile, or standard input, which cannot be recognised when it is given again
            return
        # One write at the end of the file, so that several processes may do it.
        with naming(self.path), self.path.open("ab", buffering=0) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def read(self) -> set[str]:
        """All lines, for `holds`.

        Raises:
            OSError: the list exists but cannot be read.
        """
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return set()
        return set(text.splitlines())

    def holds(self, lines: set[str], source: Input, files: Iterable[Path]) -> bool:
        """Whether ``files`` are complete and belong to these settings and to ``source`` as it is now."""
        try:
            return any(lines.issuperset(self._lines(source, files, digest)) for digest in self.settings)
        except OSError:
            return False

    def _lines(self, source: Input, files: Iterable[Path], settings: str) -> list[str]:
        if STDIN in source.paths:
            raise FileNotFoundError(f"{STDIN} is another recording each time")
        recording = [[str(path.resolve()), *_state(path)] for path in source.paths]
        return [
            json.dumps({"result": file.name, "state": _state(file), "files": recording, "settings": settings})
            for file in files
        ]


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
