"""Bounds of one input that the code under test cannot swallow: they end the process, whatever it catches.

- CPU time: the kernel's profiling timer. SIGPROF has no handler here, so it kills, in native code too.
- Memory: an address space limit makes allocations fail. `except Exception` catches a `MemoryError`, so a trace function
  sees it before any handler does, and ends the process.
- Waiting (a sleep, a lock): the parent process looks for progress, and kills.
"""

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

CPU_S: Final = 5.0
"""For one input, all threads together; an input of 64 kB takes a hundredth of this, tracing included."""
MEMORY_BYTES: Final = 512 << 20
"""Address space beyond what the process had before its first damaged input."""
OUT_OF_MEMORY: Final = 77
"""Exit code of a process in which an allocation failed."""
INPUT: Final = "input"
"""The file in which the parent finds the input that ended a process."""
WITHIN_BOUNDS: Final = "within bounds"
"""The last line of a process in which nothing was found."""


def limit_memory(more_bytes: int = MEMORY_BYTES) -> None:
    """Let this process map ``more_bytes`` more than now, and not a byte beyond that."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def bounded(cpu_s: float = CPU_S) -> Iterator[None]:
    """Run the block within ``cpu_s`` of CPU time, and end the process if an allocation fails in it."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    threading.settrace(_watch)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    sys.settrace(_watch)
    try:
        yield
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_PROF, 0)
        threading.settrace(None)


def noted(parser: Callable[[bytes], None], path: Path, cpu_s: float = CPU_S) -> Callable[[bytes], None]:
    """``parser``, within the bounds; each input is in ``path`` while it is parsed."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def parse(data: bytes) -> None:
        os.ftruncate(file, 0)
        os.pwrite(file, data, 0)
        with bounded(cpu_s):
            parser(data)

    return parse


def _watch(frame: FrameType, event: str, argument: Any) -> Any:
    """Follow exceptions, not lines."""
    frame.f_trace_lines = False
    if event == "exception" and issubclass(argument[0], MemoryError):
        where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        os.write(2, f"an allocation failed at {where}\n".encode())
        os._exit(OUT_OF_MEMORY)
    return _watch
