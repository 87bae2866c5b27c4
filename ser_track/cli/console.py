"""Output to stderr: messages, and a progress bar for work that takes long."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ser_track.safe_text import printable

MODEL_HELP: Final = "small, base, an ONNX file or a name that ser-track models lists (default: the model in --config)"
_PATIENCE_S: Final = 2.0
"""Work shorter than this needs no bar."""


def display_name(path: Path) -> str:
    """``path`` as text that can always be written: file names may contain bytes that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def tell(message: str) -> None:
    """Print a message of this program to stderr, in one safe line."""
    print(f"ser-track: {printable(message)}", file=sys.stderr)


class Feedback:
    """Messages and one progress bar, which appears after two seconds and only on a terminal."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to ``console``, by default stderr; ``clock`` gives seconds."""
        self._console = console or Console(file=sys.stderr)
        self._clock = clock
        self._progress: Progress | None = None
        self._failures: dict[str, None] = {}

    @property
    def failed(self) -> bool:
        """Whether something was reported as failed; then the exit code is 1."""
        return bool(self._failures)

    def fail(self, message: str) -> None:
        """Report a failure, once, and continue."""
        if message not in self._failures:
            self._failures[message] = None
            self.say(f"error: {message}")

    def say(self, message: str) -> None:
        """Print a message that is not a failure."""
        self._console.print(f"ser-track: {printable(message)}", markup=False, highlight=False, soft_wrap=True)

    def show(self, doing: str, done: float, total: float | None) -> None:
        """Show how much of the work is done; ``total`` may be unknown."""
        if self._progress is None:
            return
        if self._clock() >= self._visible_from:
            self._progress.update(self._task, description=printable(doing), completed=done, total=total)
            self._progress.start()

    def __enter__(self) -> Self:
        """Start the time after which the bar appears."""
        if self._console.is_terminal:
            self._visible_from = self._clock() + _PATIENCE_S
            columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
            self._progress = Progress(
                # Redirecting would move the results from stdout to stderr.
                *columns,
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
                redirect_stdout=False,
            )
            self._task = self._progress.add_task("", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def feedback(results_on_terminal: bool) -> Feedback:
    """Feedback on stderr, without a bar where results scroll by on the same terminal: they show progress themselves."""
    return Feedback(Console(file=sys.stderr, force_terminal=False)) if results_on_terminal else Feedback()
