"""Many recordings, one by one or in parallel processes; reports failures, and what is missing after an interruption."""

import shutil
import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ser_track.cli.analyze.analysis import Show, Task, Told, analyze
from ser_track.cli.analyze.inputs import Input
from ser_track.cli.analyze.pool import Progress, in_order
from ser_track.cli.analyze.sinks import Spooled, WholeFiles
from ser_track.cli.analyze.targets import Files, StreamTarget
from ser_track.cli.console import Feedback
from ser_track.errors import InferenceError

_MAX_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What there is to tell about one recording; ``broken`` is the failure of a model, which ends the command."""

    told: Told
    broken: InferenceError | None = None


class Batch:
    """The recordings of one command."""

    def __init__(self, output: StreamTarget | Files, task: Task, cores: int, told: Feedback) -> None:
        """Analyse the recordings of ``output`` on ``cores`` cores: a process for each; spare cores run threads."""
        self._output = output
        self._sources = output.sources
        self._cores = cores
        self._task = task
        self._told = told
        self._failed: list[Input] = []

    def run(self) -> None:
        """Analyse each recording, and report failures.

        Raises:
            OSError: results cannot be written.
            InferenceError: a model failed.
        """
        try:
            if isinstance(self._output, Files):
                self._into_files(self._output)
            else:
                self._into_stream(self._output)
        finally:
            self._task.documents.clean_up(self._sources)

    def _into_stream(self, output: StreamTarget) -> None:
        written: list[Input] = []
        with self._says_what_is_missing(lambda: written):
            if min(self._cores, len(self._sources)) > 1:
                self._spool(output, written)
            else:
                self._write(output, written)

    def _into_files(self, output: Files) -> None:
        beside = self._task.documents.files
        done = output.noted(beside) if output.resume else set()
        if done:
            self._told.say(f"{len(done)} of {len(self._sources)} recordings are done already")
        waiting = [results for results in output.results if results.source not in done]
        written: list[Input] = []
        try:
            with (
                self._says_what_is_missing(lambda: written if output.done is None else output.noted(beside)),
                closing(self._outcomes(waiting)) as outcomes,
            ):
                for results, outcome in zip(waiting, outcomes, strict=True):
                    self._tell(results.source, outcome)
                    written.append(results.source)
        finally:
            for results in waiting:
                results.clean_up()

    def _write(self, output: StreamTarget, written: list[Input]) -> None:
        """One by one, each event as it happens."""
        task = self._task_for(1)
        for source in self._sources:
            told = Told()
            with output.sink(source, task.documents, told.failures.append) as sink:
                analyze(source, task, sink, told, self._show_of(source, len(written)))
            self._tell(source, _Outcome(told))
            written.append(source)

    def _spool(self, output: StreamTarget, written: list[Input]) -> None:
        """In parallel, into temporary files: events of long recordings may have to wait for their turn."""
        with tempfile.TemporaryDirectory(prefix="ser-track-") as folder:
            parts = [Spooled(source, Path(folder, str(number))) for number, source in enumerate(self._sources)]
            with closing(self._outcomes(parts)) as outcomes:  # the writers end before the folder is deleted
                for part, outcome in zip(parts, outcomes, strict=True):
                    with part.file.open(encoding="utf-8") as lines:
                        shutil.copyfileobj(lines, output.lines)
                    output.stream.flush()
                    part.file.unlink()
                    self._tell(part.source, outcome)
                    written.append(part.source)

    def _outcomes(self, all_results: Sequence[WholeFiles | Spooled]) -> Generator[_Outcome, None, None]:
        """The outcome of each recording, in order, when its results are in their place."""
        jobs = min(self._cores, len(all_results))
        work = partial(_into, self._task_for(jobs))
        if jobs > 1:
            with closing(in_order(work, all_results, jobs, partial(self._show, 0))) as outcomes:
                yield from outcomes
            return
        for number, results in enumerate(all_results):
            yield work(results, partial(self._show, number))

    def _task_for(self, jobs: int) -> Task:
        """Spare cores run threads: the classifier then runs beside the voice detector."""
        return replace(self._task, threads=max(0, self._cores // max(1, jobs) - 1))

    def _show(self, before: int, done: float) -> None:
        """Show that ``before`` recordings are done, and ``done`` more, fractions included."""
        self._told.show(f"{len(self._sources)} files", before + done, len(self._sources))

    def _show_of(self, source: Input, before: int) -> Show:
        """Progress of one recording is shown in seconds, of several by their number."""
        if len(self._sources) == 1:
            return partial(self._told.show, str(source))
        return _as_share(partial(self._show, before))

    def _tell(self, source: Input, outcome: _Outcome) -> None:
        for remark in outcome.told.remarks:
            self._told.say(f"note: {remark}")
        for failure in outcome.told.failures:
            self._told.fail(failure)
        if outcome.broken is not None:
            raise outcome.broken
        if outcome.told.failures:
            self._failed.append(source)

    @contextmanager
    def _says_what_is_missing(self, done: Callable[[], Collection[Input]]) -> Iterator[None]:
        """Report which recordings are not ``done`` after Ctrl-C, and which of several failed at the end."""
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


def _into(task: Task, results: WholeFiles | Spooled, progress: Progress) -> _Outcome:
    """Analyse one recording into its files, in this process or in a worker."""
    told = Told()
    try:
        with results.sink(task.documents, told.failures.append) as sink:
            analyze(results.source, task, sink, told, _as_share(progress))
    except InferenceError as error:
        return _Outcome(told, error)
    if not told.failures:
        results.finish(task.documents.files(results.source))
    return _Outcome(told)


def _as_share(progress: Progress) -> Show:
    def show(position_s: float, duration_s: float | None) -> None:
        progress(min(1.0, position_s / duration_s) if duration_s else 0.0)

    return show


def _listed(sources: Sequence[Input]) -> str:
    more = len(sources) - _MAX_NAMED
    return ", ".join(map(str, sources[:_MAX_NAMED])) + (f" and {more} more" if more > 0 else "")
