"""Ctrl-C while FFmpeg reads a file through Python."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_READER = "ser_track.recordings.wav"


class Interrupts:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.seen = False

    def raise_seen(self) -> None:
        """Raise KeyboardInterrupt if one was lost."""
        if self.seen:
            self.seen = False
            raise KeyboardInterrupt


@contextmanager
def kept_interrupts() -> Iterator[Interrupts]:
    """Until the block ends, remember Ctrl-C; it is raised as usual, but not while FFmpeg reads through `_READER`.

    PyAV ignores exceptions that are raised in there, KeyboardInterrupt included.
    """
    interrupts = Interrupts()
    on_main = threading.current_thread() is threading.main_thread()
    if not on_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupts
        return

    def remember(number: int, frame: FrameType | None) -> None:
        interrupts.seen = True
        if not _reads(frame):
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, remember)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _reads(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == _READER:
            return True
        frame = frame.f_back
    return False
