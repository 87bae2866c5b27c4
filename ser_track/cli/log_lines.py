"""The log on stderr: each record is one line whatever strangers put into it, and a flood of one kind is counted."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

from ser_track.safe_text import printable, printable_lines

_BURST: Final = 20
"""So many records of one place in the code are written at once, …"""
_EVERY_S: Final = 10.0
"""… and then one in this time, with the number of those that were not."""
_MAX_PLACES: Final = 1_000


def log_to_stderr(who: str = "") -> None:
    """Log from INFO on; ``who`` marks the lines of one process among several that write to the same stderr."""
    mark = f"{who} " if who else ""
    logging.basicConfig(
        level=logging.INFO, handlers=[_handler(f"%(asctime)s %(levelname)s {mark}%(name)s: %(message)s")]
    )
    logging.getLogger("aioice").setLevel(logging.WARNING)


def warn_on_stderr() -> None:
    """Write the warnings of commands that do not log: Python's own handler would write them as they are."""
    logging.lastResort = _handler("ser-track: %(message)s")
    logging.lastResort.setLevel(logging.WARNING)


class SafeFormatter(logging.Formatter):
    """Makes each record one safe line; a traceback follows, indented, so that none of its lines looks like a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback if there is one."""
        record.message = printable(record.getMessage())
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        parts = [self.formatMessage(record)]
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n    ".join([parts[0], *(line for part in parts[1:] for line in printable_lines(part).split("\n"))])


class FloodGate:
    """A logging filter: of records from one place in the code it lets a burst through, then one now and then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` gives seconds."""
        self._now = now
        self._lock = threading.Lock()
        self._places: dict[tuple[str, int], tuple[float, float, int]] = {}
        """For each place: the records that it may write now, when that was, and how many were left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write ``record``; one that comes after a flood says how many were left out."""
        place, now = (record.pathname, record.lineno), self._now()
        with self._lock:  # logging calls filters from several threads at once
            left, at, skipped = self._places.pop(place, (float(_BURST), now, 0))
            left = min(_BURST, left + (now - at) / _EVERY_S)
            writes = left >= 1
            self._places[place] = (left - writes, now, 0 if writes else skipped + 1)
            if len(self._places) > _MAX_PLACES:
                del self._places[next(iter(self._places))]
        if writes and skipped:
            record.msg, record.args = f"{record.getMessage()} ({skipped} more like this were not logged)", ()
        return writes


def _handler(form: str) -> "logging.StreamHandler[TextIO]":
    handler: logging.StreamHandler[TextIO] = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter(form))
    handler.addFilter(FloodGate())
    return handler
