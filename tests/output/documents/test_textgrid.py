"""TextGrid, as praatio and Praat itself read it."""

from itertools import pairwise

import parselmouth
from hypothesis import given
from parselmouth.praat import call
from praatio import textgrid
from praatio.data_classes.textgrid import Textgrid

from ser_track.engine.timeline import Timeline, gather
from ser_track.output.documents.wording import LIMITS, speakers
from tests.helpers.document_timelines import MODEL, TALK, Segment, events_of, saved, segments, talk, timelines


def read(timeline: Timeline) -> Textgrid:
    with saved("textgrid", timeline) as path:
        # Errors in the lengths of tiers are to be errors; includeEmptyIntervals: time that is left out would be seen.
        return textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")


def filled(grid: Textgrid, tier: str) -> list[Segment]:
    return [
        (round(start * 1000), round(end * 1000), label) for start, end, label in grid.getTier(tier).entries if label
    ]


def test_each_participant_has_a_tier_with_what_they_said() -> None:
    grid = read(talk())
    assert grid.tierNames == (
        "Ann",
        "Ann: probabilities",
        "Bob",
        "Bob: probabilities",
        "Cy",
        "Cy: probabilities",
        "about",
    )
    assert {name: filled(grid, name) for name in TALK} == TALK
    first, second = filled(grid, "Ann: probabilities")
    assert first == (1_000, 2_504, "anger 0.10, happiness 0.70, sadness 0.10, neutral 0.10")
    assert second[:2] == (2_504, 4_000)
    [about] = filled(grid, "about")
    assert about == (0, 3_604_000, f"{LIMITS} ({MODEL}); error: the model failed at a segment")


def test_no_time_is_left_out_and_none_told_twice() -> None:
    grid = read(talk())
    for tier in grid.tiers:
        borders = [(start, end) for start, end, _ in tier.entries]
        assert borders[0][0] == 0
        assert borders[-1][1] == grid.maxTimestamp == 3604
        assert all(before[1] == after[0] for before, after in pairwise(borders))


def test_segments_of_one_person_that_overlap_are_in_two_tiers() -> None:
    """Two streams of one participant, each with its own time 0."""
    again = events_of({"Ann": [(2_000, 3_000, "sadness")]}, "again")
    grid = read(gather("talk.wav", [*events_of(TALK), *again]))
    assert filled(grid, "Ann") == TALK["Ann"]
    assert filled(grid, "Ann (2)") == [(2_000, 3_000, "sadness")]


@given(timelines())
def test_whatever_the_names_praatio_reads_who_said_what(timeline: Timeline) -> None:
    grid = read(timeline)
    found = [(number, segment) for number, name in enumerate(speakers(timeline)) for segment in filled(grid, name)]
    assert sorted(found, key=lambda item: item[1][0]) == segments(timeline)
    assert len(grid.tierNames) == 2 * len(timeline.lines) + 1


@given(timelines())
def test_whatever_the_names_praat_itself_reads_them(timeline: Timeline) -> None:
    """praatio is content with quotes that are not doubled; Praat is not."""
    with saved("textgrid", timeline) as path:
        grid = parselmouth.read(str(path))
    names = [call(grid, "Get tier name", tier) for tier in range(1, call(grid, "Get number of tiers") + 1)]
    found = []
    for number, speaker in enumerate(speakers(timeline)):
        tier = names.index(speaker) + 1
        for interval in range(1, call(grid, "Get number of intervals", tier) + 1):
            borders = (call(grid, f"Get {border} time of interval", tier, interval) for border in ("start", "end"))
            start_ms, end_ms = (round(1000 * time) for time in borders)
            if label := call(grid, "Get label of interval", tier, interval):
                found.append((number, (start_ms, end_ms, label)))
    assert sorted(found, key=lambda item: item[1][0]) == segments(timeline)
