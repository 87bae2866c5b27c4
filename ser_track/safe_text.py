"""Makes any text safe for logs and terminals: the one place that does, and everything that we print or log uses it.

Strangers choose much of what we report: names, tags, file names, the texts of errors. A line break in it would forge a
line of the log; an escape sequence would move the cursor, or change the title, of the terminal that shows it.
"""

from typing import Final, TextIO

_JOINERS: Final = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian and many emoji need them, and they move nothing."""


def printable(text: str) -> str:
    """``text`` in one line: runs of white space become a space, other control and format characters an escape.

    >>> printable("Ann\\n\\x1b[2J")
    'Ann \\\\x1b[2J'
    """
    return " ".join(escaped("".join(" " if c.isspace() else c for c in text)).split())


def printable_lines(text: str) -> str:
    """``text`` with its line breaks, but nothing else that moves a cursor; for tracebacks."""
    return escaped(text, kept="\n")


def escaped(text: str, kept: str = "") -> str:
    """``text`` with an escape, such as ``\\x1b``, for each control and format character that is not in ``kept``."""
    return "".join(c if c.isprintable() or c in _JOINERS or c in kept else _escape(c) for c in text)


class SafeStream:
    """A text stream for results on a terminal: line breaks and tabs stay, other control characters are escaped."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text``; returns its length."""
        self._stream.write(escaped(text, kept="\n\t"))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()


def shown_on(stream: TextIO) -> "TextIO | SafeStream":
    """``stream`` for results: made safe if a terminal shows them; in files and pipes, data stay as they are."""
    return SafeStream(stream) if stream.isatty() else stream


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
