"""What all formats say alike: who speaks, how a segment sounds, and what such a result is worth."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ser_track.engine.timeline import Line, Timeline, Utterance

LIMITS: Final = "how a voice sounds to a model; not what a person feels"
TOO_SHORT: Final = "(too short)"
FAILED: Final = "(failed)"
ABOUT: Final = "about"
"""Name of the tier that holds what `about` says, where a format has tiers."""
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Spoken(NamedTuple):
    """A segment with who spoke it."""

    speaker: str
    """As `speakers` gives it."""
    line: Line
    utterance: Utterance


def one_line(text: str) -> str:
    """``text`` without line breaks, tabs and other control characters, each run of white space a space."""
    return " ".join(_NO_TEXT.sub(" ", text).split())


def unique(wanted: str, taken: set[str]) -> str:
    """``wanted``, or with a number where it is ``taken``; it is taken afterwards."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    taken.add(name)
    return name


def speakers(timeline: Timeline) -> list[str]:
    """One line of text per participant, in their order: the name, else the id. No two are alike, none is empty."""
    taken = {ABOUT}
    return [unique(one_line(line.name) or one_line(line.participant) or "unnamed", taken) for line in timeline.lines]


def spoken(timeline: Timeline) -> list[Spoken]:
    """Every segment, in the order in which they begin; of those that begin at once, as participants are ordered."""
    segments = (
        Spoken(speaker, line, utterance)
        for speaker, line in zip(speakers(timeline), timeline.lines, strict=True)
        for utterance in line.utterances
    )
    return sorted(segments, key=lambda segment: segment.utterance.start_s)


def verdict(utterance: Utterance) -> str:
    """Its label; in brackets, as no label is, why there is none."""
    if utterance.emotion is not None:
        return utterance.emotion.label
    return FAILED if utterance.classified else TOO_SHORT


def shares(utterance: Utterance) -> str:
    """Its probabilities as text; empty where it was not judged."""
    if utterance.emotion is None:
        return ""
    return ", ".join(f"{label} {share:.2f}" for label, share in utterance.emotion.probabilities.items())


def models(timeline: Timeline) -> str:
    """``name@version`` of whatever judged a segment; empty where nothing did."""
    emotions = (utterance.emotion for line in timeline.lines for utterance in line.utterances)
    return one_line(", ".join(sorted({emotion.model for emotion in emotions if emotion is not None})))


def about(timeline: Timeline) -> list[str]:
    """Lines to stand beside the results: their limits and the model, then what failed."""
    model = models(timeline)
    limits = f"{LIMITS} ({model})" if model else LIMITS
    return [limits, *dict.fromkeys(f"error: {one_line(fault.message)}" for fault in timeline.faults)]


def milliseconds(seconds: float) -> int:
    """The precision in which all formats tell times: that of events (docs/protocol.md)."""
    return round(seconds * 1000)


def lanes(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """As few rows as hold ``utterances`` without overlaps; of one stream that is one row, also where there is nothing.

    Segments of one participant overlap only where several of their streams are in one timeline.
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
