"""The interface of document formats, and the results that they write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.html.sound import Sound


@dataclass(frozen=True, slots=True)
class Results:
    """The complete results of one recording."""

    timeline: Timeline
    min_confidence: float
    """``pipeline.min_confidence``: a result below it is labelled "unsure"."""
    sound: Sound = field(default_factory=Sound)
    """Empty unless a format shows it (`Format.shows_sound`)."""


def _nothing_missing() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a recording's results. `text_format` makes one from a function that writes text."""

    name: str
    suffix: str
    """The file name suffix, with its dot, that programs expect for such files."""
    write: Callable[[Results, BinaryIO], Sequence[str]]
    """Writes to a stream that the caller opens and closes; returns messages for the user, usually none."""
    meaning: str
    """One line for `--help`."""
    missing: Callable[[], str | None] = _nothing_missing
    """Says which requirement is not installed, and how to install it; called before any work is done."""
    shows_sound: bool = False


def text_format(name: str, suffix: str, write: Callable[[Timeline, TextIO], None], meaning: str) -> Format:
    """A `Format` of text in UTF-8; line ends are written as ``write`` gives them.

    write: takes the timeline, and a stream that it must not close.
    """

    def write_text(results: Results, output: BinaryIO) -> Sequence[str]:
        text = TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
        try:
            write(results.timeline, text)
        finally:
            text.detach()  # else closing it would close ``output`` too
        return ()

    return Format(name, suffix, write_text, meaning)
