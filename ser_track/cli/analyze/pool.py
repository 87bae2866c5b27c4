"""Many files at once: one process each, their results in the order in which the files were given."""

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
"""Is told which share of a file is done, 0 to 1."""
Item = TypeVar("Item")
"""Names one file, or several that belong together; as text, it is what messages call it."""
Result = TypeVar("Result")

_POLL_S: Final = 0.2
_shares: Any = None
"""In a worker: the share done of each file, in memory that the parent sees."""


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Item, Progress], Result], files: Sequence[Item], jobs: int, show: Callable[[float], None]
) -> Generator[Result, None, None]:
    """``work`` of each file, done by ``jobs`` processes; ``show`` is told how many files are done, parts included.

    ``work`` is a function of a module, or a `functools.partial` of one, as processes that are spawned can import it.
    However it ends, by an error, Ctrl-C or because the caller closes it, no process is left behind.

    Raises:
        InferenceError: a process ended by itself, most likely for want of memory.
    """
    context = multiprocessing.get_context("spawn")
    shares = context.Array("d", len(files), lock=False)
    executor = ProcessPoolExecutor(min(jobs, len(files)), context, _begin, (shares,))
    others = set(multiprocessing.active_children())
    try:
        with _interrupts_ignored():  # by the workers, from their first moment: the parent ends them
            futures = [executor.submit(_run, work, number, file) for number, file in enumerate(files)]
        for file, future in zip(files, futures, strict=True):
            yield _result(str(file), future, lambda: show(sum(shares)))
        show(len(files))
    finally:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        executor.shutdown(cancel_futures=True)  # waits for them: two who wait for one process confuse multiprocessing


def _result(file: str, future: "Future[Result]", poll: Callable[[], None]) -> Result:
    while True:
        poll()
        try:
            return future.result(_POLL_S)
        except BrokenProcessPool as error:
            reason = "a process of --jobs ended by itself, most likely for want of memory"
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
    """What a worker does first: end when the parent does, however that ends."""
    global _shares  # there is one worker in a process
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
