"""Gives memory back to the system when people have left."""

import ctypes
import gc
import sys


def release_memory() -> None:
    """Collect unused objects, and return freed memory to the system where the C library can (glibc).

    Takes some tens of milliseconds: call it from a thread.
    """
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
