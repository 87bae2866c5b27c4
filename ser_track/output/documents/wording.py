"""The common texts of all formats: the speaker, the label of a segment, and the limits of the results."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ser_track.engine.timeline import Line, Timeline, Utterance

LIMITS: Final = "how a voice sounds to a model; not what a person feels"
TOO_SHORT: Final = "(too short)"
FAILED: Final = "(failed)"
ABOUT: Final = "about"
"""Name of the tier for the text of `about`, in formats with tiers."""
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Spoken(NamedTuple):
    """A segment with its speaker."""

    speaker: str
    """The speaker, as `speakers` returns it."""
    line: Line
    utterance: Utterance


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, tabs and other control characters; white space runs become one space."""
    return " ".join(_NO_TEXT.sub(" ", text).split())


def unique(wanted: str, taken: set[str]) -> str:
    """Return ``wanted``, with a number if it is ``taken``, and add the result to ``taken``."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    taken.add(name)
    return name


def speakers(timeline: Timeline) -> list[str]:
    """Return one line of text per participant, in order: the name, else the id. All are unique and not empty."""
    taken = {ABOUT}
    return [unique(one_line(line.name) or one_line(line.participant) or "unnamed", taken) for line in timeline.lines]


def spoken(timeline: Timeline) -> list[Spoken]:
    """Return every segment, ordered by start, then by the order of participants."""
    segments = (
        Spoken(speaker, line, utterance)
        for speaker, line in zip(speakers(timeline), timeline.lines, strict=True)
        for utterance in line.utterances
    )
    return sorted(segments, key=lambda segment: segment.utterance.start_s)


def verdict(utterance: Utterance) -> str:
    """Return its label, or the reason for no label in brackets, which labels never have."""
    if utterance.emotion is not None:
        return utterance.emotion.label
    return FAILED if utterance.classified else TOO_SHORT


def shares(utterance: Utterance) -> str:
    """Return its probabilities as text; empty if it has no result."""
    if utterance.emotion is None:
        return ""
    return ", ".join(f"{label} {share:.2f}" for label, share in utterance.emotion.probabilities.items())


def models(timeline: Timeline) -> str:
    """Return ``name@version`` of each model that gave a result; empty if there are no results."""
    emotions = (utterance.emotion for line in timeline.lines for utterance in line.utterances)
    return one_line(", ".join(sorted({emotion.model for emotion in emotions if emotion is not None})))


def about(timeline: Timeline) -> list[str]:
    """Return lines to show beside the results: the limits and the model, then the failures."""
    model = models(timeline)
    limits = f"{LIMITS} ({model})" if model else LIMITS
    return [limits, *dict.fromkeys(f"error: {one_line(fault.message)}" for fault in timeline.faults)]


def milliseconds(seconds: float) -> int:
    """Round to the precision of times in all formats, which is that of events (docs/protocol.md)."""
    return round(seconds * 1000)


def lanes(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """Arrange ``utterances`` in the fewest rows without overlaps; one stream gives one row, even if it is empty.

    Segments of one participant overlap only if several of their streams are in one timeline.
    """
    rows: list[list[Utterance]] = [[]]
    for utterance in sorted(utterances, key=lambda one: one.start_s):
        start_ms = milliseconds(utterance.start_s)
        free = (row for row in rows if not row or milliseconds(row[-1].end_s) <= start_ms)
        row = next(free, None)
        if row is None:
            rows.append([utterance])
        else:
            row.append(utterance)
    yield from rows
