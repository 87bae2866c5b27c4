"""What a format of documents is, and what it is given to write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.html.sound import Sound


@dataclass(frozen=True, slots=True)
class Results:
    """All that is known of one recording at its end."""

    timeline: Timeline
    min_confidence: float
    """``pipeline.min_confidence``: a result below it is labelled "unsure"."""
    sound: Sound = field(default_factory=Sound)
    """Empty unless a format shows it (`Format.shows_sound`)."""


def _nothing_missing() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write the results of a recording. `text_format` makes one of a function that writes text."""

    name: str
    suffix: str
    """With its dot, as programs that open such files expect it."""
    write: Callable[[Results, BinaryIO], Sequence[str]]
    """Writes to a stream that the caller opens and closes; returns what its user should be told, mostly nothing."""
    meaning: str
    """In one line, for `--help`."""
    missing: Callable[[], str | None] = _nothing_missing
    """Says what is not installed that this format needs, and how to install it; asked before any work is done."""
    shows_sound: bool = False


def text_format(name: str, suffix: str, write: Callable[[Timeline, TextIO], None], meaning: str) -> Format:
    """A `Format` of text in UTF-8; line ends are written as ``write`` gives them.

    write: gets the timeline, and a stream that it must not close.
    """

    def write_text(results: Results, output: BinaryIO) -> Sequence[str]:
        text = TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
        try:
            write(results.timeline, text)
        finally:
            text.detach()  # else closing it would close ``output`` too
        return ()

    return Format(name, suffix, write_text, meaning)
