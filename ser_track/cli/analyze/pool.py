"""Many files in parallel: one process each; results come in the order of the files."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ser_track.errors import InferenceError

Progress = Callable[[float], None]
"""Receives the share of a file that is done, 0 to 1."""
Item = TypeVar("Item")
"""One file, or several that belong together; messages use its text."""
Result = TypeVar("Result")

_POLL_S: Final = 0.2
_shares: Any = None
"""In a worker: the share of each file that is done, in memory shared with the parent."""


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Item, Progress], Result], files: Sequence[Item], jobs: int, show: Callable[[float], None]
) -> Generator[Result, None, None]:
    """Run ``work`` on each file in ``jobs`` processes; ``show`` receives the number of files done, fractions included.

    ``work`` is a function of a module, or a `functools.partial` of one, so that spawned processes can import it.
    Whether it ends by an error, by Ctrl-C or because the caller closes it, all processes are ended.

    Raises:
        InferenceError: a process ended by itself, most likely because memory ran out.
    """
    context = multiprocessing.get_context("spawn")
    shares = context.Array("d", len(files), lock=False)
    executor = ProcessPoolExecutor(min(jobs, len(files)), context, _begin, (shares,))
    others = set(multiprocessing.active_children())
    try:
        with _interrupts_ignored():  # workers ignore them from the start: the parent ends the workers
            futures = [executor.submit(_run, work, number, file) for number, file in enumerate(files)]
        for file, future in zip(files, futures, strict=True):
            yield _result(str(file), future, lambda: show(sum(shares)))
        show(len(files))
    finally:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        executor.shutdown(cancel_futures=True)  # waits for them: multiprocessing allows only one waiter per process


def _result(file: str, future: "Future[Result]", poll: Callable[[], None]) -> Result:
    while True:
        poll()
        try:
            return future.result(_POLL_S)
        except BrokenProcessPool as error:
            reason = "a process of --jobs ended by itself, most likely because memory ran out"
            raise InferenceError(f"{file} or a file after it: {reason}; use a smaller --jobs") from error
        except TimeoutError:
            if future.done() and isinstance(future.exception(), TimeoutError):  # the work's own
                raise


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(shares: Any) -> None:
    """Prepare a worker, so that it ends when the parent ends in any way."""
    global _shares  # each process has one worker
    _shares = shares
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _run(work: Callable[[Item, Progress], Result], number: int, file: Item) -> Result:
    def tell(share: float) -> None:
        _shares[number] = share

    try:
        return work(file, tell)
    finally:
        tell(1.0)
