"""Praat's TextGrid, in the long text format: tiers of intervals that leave no time out."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TextIO

from ser_track.engine.timeline import Timeline, Utterance
from ser_track.output.documents.wording import ABOUT, about, lanes, milliseconds, shares, speakers, unique, verdict

_MIN_MS: Final = 1000
"""Length where nobody spoke: Praat takes no TextGrid without any."""


class _Interval(NamedTuple):
    start_ms: int
    end_ms: int
    text: str


def write(timeline: Timeline, output: TextIO) -> None:
    """A tier with labels and one with probabilities for each participant, and `ABOUT` over the whole length.

    It ends with the last segment: the length of the recording is not known here.
    """
    end_ms = max(milliseconds(timeline.end_s), _MIN_MS)
    tiers = list(_tiers(timeline, end_ms))
    output.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
    output.write(f"xmin = 0\nxmax = {_seconds(end_ms)}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
    for number, (name, intervals) in enumerate(tiers, 1):
        output.write(f'    item [{number}]:\n        class = "IntervalTier"\n        name = {_quoted(name)}\n')
        output.write(f"        xmin = 0\n        xmax = {_seconds(end_ms)}\n")
        output.writelines(_body(list(_filled(intervals, end_ms))))


def _tiers(timeline: Timeline, end_ms: int) -> Iterator[tuple[str, list[_Interval]]]:
    names = speakers(timeline)
    taken = {ABOUT, *names}
    for speaker, line in zip(names, timeline.lines, strict=True):
        for number, lane in enumerate(lanes(line.utterances)):
            yield speaker if number == 0 else unique(speaker, taken), [_interval(one, verdict(one)) for one in lane]
            name = unique(f"{speaker}: probabilities", taken)
            yield name, [_interval(one, shares(one)) for one in lane if one.emotion is not None]
    yield ABOUT, [_Interval(0, end_ms, "; ".join(about(timeline)))]


def _interval(utterance: Utterance, text: str) -> _Interval:
    return _Interval(milliseconds(utterance.start_s), milliseconds(utterance.end_s), text)


def _filled(intervals: Iterable[_Interval], end_ms: int) -> Iterator[_Interval]:
    """``intervals`` with empty ones between them, from 0 to ``end_ms``."""
    position_ms = 0
    for interval in intervals:
        if interval.start_ms > position_ms:
            yield _Interval(position_ms, interval.start_ms, "")
        yield interval
        position_ms = interval.end_ms
    if position_ms < end_ms:
        yield _Interval(position_ms, end_ms, "")


def _body(intervals: list[_Interval]) -> Iterator[str]:
    yield f"        intervals: size = {len(intervals)}\n"
    for number, (start_ms, end_ms, text) in enumerate(intervals, 1):
        yield f"        intervals [{number}]:\n"
        yield f"            xmin = {_seconds(start_ms)}\n            xmax = {_seconds(end_ms)}\n"
        yield f"            text = {_quoted(text)}\n"


def _seconds(milli: int) -> str:
    return f"{milli / 1000:.3f}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
