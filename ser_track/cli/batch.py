"""Many recordings: one by one or in processes at once; which of them failed, and what an interruption left undone."""

import shutil
import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Final, TextIO

from ser_track.cli.analysis import Show, Task, analyze
from ser_track.cli.console import Feedback
from ser_track.cli.inputs import Input
from ser_track.cli.outputs import OutputFolder
from ser_track.cli.pool import Progress, in_order
from ser_track.errors import InferenceError
from ser_track.sinks.jsonl import JsonLines

_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What failed in one recording; ``broken`` where a model did, which ends the command."""

    failures: list[str]
    broken: InferenceError | None


class Batch:
    """The recordings of one command."""

    def __init__(self, sources: Sequence[Input], task: Task, cores: int, told: Feedback) -> None:
        """Work on ``sources`` with so many ``cores``: a process for each, and threads where there are more of those."""
        self._sources = sources
        self._cores = cores
        self._task = task
        self._told = told
        self._failed: list[Input] = []

    def into_stream(self, output: TextIO) -> None:
        """Write the events of all to ``output``, in the order of the recordings.

        Raises:
            InferenceError: a model failed.
        """
        written: list[Input] = []
        with self._says_what_is_missing(lambda: written):
            if min(self._cores, len(self._sources)) > 1:
                self._spool(output, written)
            else:
                self._write(output, written)

    def into_folder(self, folder: OutputFolder, resume: bool) -> None:
        """Write the events of each to a file of its own in ``folder``; ``resume``: not those that are done.

        Raises:
            ConfigError: the folder cannot be made, or two recordings would have one file.
            OSError: it cannot be written to.
            InferenceError: a model failed.
        """
        folder.prepare(self._sources)
        done = folder.done(self._sources) if resume else set()
        if done:
            self._told.say(f"{len(done)} of {len(self._sources)} recordings were done before")
        waiting = [source for source in self._sources if source not in done]
        try:
            with (
                self._says_what_is_missing(lambda: folder.done(self._sources)),
                closing(self._outcomes(waiting, folder)) as outcomes,
            ):
                for source, outcome in zip(waiting, outcomes, strict=True):
                    self._tell(source, outcome)
        finally:
            folder.clean_up(waiting)

    def _write(self, output: TextIO, written: list[Input]) -> None:
        """One by one, each event as it happens."""
        sink, task = JsonLines(output), self._task_for(1)
        for source in self._sources:
            failures: list[str] = []
            analyze(source, task, sink, failures.append, self._show_of(source, len(written)))
            self._tell(source, _Outcome(failures, None))
            written.append(source)

    def _spool(self, output: TextIO, written: list[Input]) -> None:
        """At once, into temporary files: results of hours may have to wait for their turn."""
        with tempfile.TemporaryDirectory(prefix="ser-track-") as name:
            spool = OutputFolder(Path(name), "")
            # One recording may be given twice, or two of one name.
            parts = [replace(source, place=PurePath(str(number))) for number, source in enumerate(self._sources)]
            with closing(self._outcomes(parts, spool)) as outcomes:  # before the folder goes, so do those who write
                for source, part, outcome in zip(self._sources, parts, outcomes, strict=True):
                    with spool.result(part).open(encoding="utf-8") as lines:
                        shutil.copyfileobj(lines, output)
                    output.flush()
                    spool.result(part).unlink()
                    self._tell(source, outcome)
                    written.append(source)

    def _outcomes(self, sources: Sequence[Input], folder: OutputFolder) -> Generator[_Outcome, None, None]:
        """Each with its results in ``folder``, in order."""
        jobs = min(self._cores, len(sources))
        work = partial(_into, folder, self._task_for(jobs))
        if jobs > 1:
            with closing(in_order(work, sources, jobs, partial(self._show, 0))) as outcomes:
                yield from outcomes
            return
        for number, source in enumerate(sources):
            yield work(source, partial(self._show, number))

    def _task_for(self, jobs: int) -> Task:
        """Cores that no recording is left for go to threads: there the classifier works beside the voice detector."""
        return replace(self._task, threads=max(0, self._cores // max(1, jobs) - 1))

    def _show(self, before: int, done: float) -> None:
        """So many recordings are done, and ``done`` more, parts included."""
        self._told.show(f"{len(self._sources)} files", before + done, len(self._sources))

    def _show_of(self, source: Input, before: int) -> Show:
        """One recording is shown in seconds, several by their number."""
        if len(self._sources) == 1:
            return partial(self._told.show, str(source))
        return _as_share(partial(self._show, before))

    def _tell(self, source: Input, outcome: _Outcome) -> None:
        for failure in outcome.failures:
            self._told.fail(failure)
        if outcome.broken is not None:
            raise outcome.broken
        if outcome.failures:
            self._failed.append(source)

    @contextmanager
    def _says_what_is_missing(self, done: Callable[[], Collection[Input]]) -> Iterator[None]:
        """After Ctrl-C which recordings are not ``done``; at the end of many which of them failed."""
        count = len(self._sources)
        try:
            yield
        except KeyboardInterrupt:
            have = done()
            missing = [source for source in self._sources if source not in have]
            self._told.say(f"interrupted: {len(have)} of {count} recordings are done; missing: {_listed(missing)}")
            raise
        if self._failed and count > 1:
            self._told.say(
                f"{len(self._failed)} of {count} recordings failed, at least in part: {_listed(self._failed)}"
            )


def _into(folder: OutputFolder, task: Task, source: Input, progress: Progress) -> _Outcome:
    """Here or in a worker: one recording into its file."""
    failures, broken = list[str](), None
    with folder.sink(source) as sink:
        try:
            analyze(source, task, sink, failures.append, _as_share(progress))
        except InferenceError as error:
            broken = error
    if not failures and broken is None:
        folder.finish(source)
    return _Outcome(failures, broken)


def _as_share(progress: Progress) -> Show:
    def show(position_s: float, duration_s: float | None) -> None:
        progress(min(1.0, position_s / duration_s) if duration_s else 0.0)

    return show


def _listed(sources: Sequence[Input]) -> str:
    more = len(sources) - _MOST_NAMED
    return ", ".join(map(str, sources[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
