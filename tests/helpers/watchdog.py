"""The last time limit: ends a test process that a test keeps from going on.

pytest-timeout fails a test that takes too long, once, and never one that has failed already. A test that then hangs
while its fixtures are torn down is for the watchdog.
"""

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def watched(item: pytest.Item, limit_s: float) -> Iterator[None]:
    """End this process, and all that it started, if the block takes longer than ``limit_s``.

    pytest-xdist then reports that the process crashed at this test, and goes on in a new one.
    """
    timer = threading.Timer(limit_s, _end, (item, limit_s))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(item: pytest.Item, limit_s: float) -> None:
    if capture := item.config.pluginmanager.getplugin("capturemanager"):
        capture.suspend_global_capture()
    os.write(2, f"\n{item.nodeid} took more than {limit_s:g} s with its fixtures; its process ends here.\n".encode())
    faulthandler.dump_traceback(2)
    for child in _descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os._exit(1)


def _descendants(process: int) -> list[int]:
    """Their ids, on Linux."""
    found: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, listed.read_text().split()):
            found += [child, *_descendants(child)]
    return found
