"""Parsers that swallow their own failures, run as `fuzz.child` runs real ones."""

import contextlib
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fuzz.bounds import INPUT, WITHIN_BOUNDS, limit_memory, noted

_CPU_S: Final = 0.5
_TOO_MUCH: Final = 1 << 34


def allocates(data: bytes) -> None:
    """As any handler of a parser does, it takes the `MemoryError` for damage."""
    with contextlib.suppress(Exception):
        bytearray(_TOO_MUCH)


def allocates_in_a_thread(data: bytes) -> None:
    """The same, elsewhere."""
    thread = threading.Thread(target=allocates, args=(data,))
    thread.start()
    thread.join()


def loops(data: bytes) -> None:
    """No signal handler and no exception ends it."""
    while True:
        with contextlib.suppress(BaseException):
            sum(data)


def loops_in_native_code(data: bytes) -> None:
    """Where Python handles no signals."""
    hashlib.pbkdf2_hmac("sha256", data, data, 1 << 30)


def waits(data: bytes) -> None:
    """For ever, without CPU time."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(3600)


def leaves(data: bytes) -> None:
    """As if all had gone well."""
    os._exit(0)


def crashes(data: bytes) -> None:
    """As a mistake in native code does."""
    os.abort()


def raises(data: bytes) -> None:
    """Something that is not a refusal."""
    raise ZeroDivisionError(data)


def parses(data: bytes) -> None:
    """Nothing is wrong with this one."""


_PARSERS: Final[dict[str, Callable[[bytes], None]]] = {
    each.__name__: each
    for each in (
        allocates, allocates_in_a_thread, loops, loops_in_native_code, waits, leaves, crashes, raises, parses,
    )
}  # fmt: skip


def main(name: str, folder: str, examples: str, seed: str) -> None:
    """See `fuzz.child.main`; the input is what would be the number of examples."""
    limit_memory()
    noted(_PARSERS[name], Path(folder) / INPUT, _CPU_S)(examples.encode())
    print(WITHIN_BOUNDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
