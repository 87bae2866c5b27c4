"""What the formats have in common: names that can be told apart, and rows without overlaps."""

import pytest
from hypothesis import given

from ser_track.engine.timeline import Line, Timeline, Utterance, gather
from ser_track.event_types import Fault, StreamKey
from ser_track.output.documents import FORMATS
from ser_track.output.documents.wording import LIMITS, about, lanes, one_line, speakers, spoken
from tests.helpers.document_timelines import MODEL, PICTURES, bytes_of, segments, talk, text_of, timelines


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ([("t1", "Zoë"), ("t2", 'O\'Brien, "Pat"')], ["Zoë", 'O\'Brien, "Pat"']),
        ([("t1", "Ann"), ("t2", "Ann"), ("t3", "Ann (2)")], ["Ann", "Ann (2)", "Ann (2) (2)"]),
        ([("t1", "two\r\nlines\t"), ("t2", " \n"), ("", "")], ["two lines", "t2", "unnamed"]),
        ([("t1", "about")], ["about (2)"]),  # the name of a tier
    ],
)
def test_names_are_one_line_and_no_two_alike(people: list[tuple[str, str]], shown: list[str]) -> None:
    assert speakers(Timeline("x", [Line(participant, name) for participant, name in people])) == shown


@given(timelines())
def test_no_segment_is_lost_and_no_name_is_lost_or_taken_twice(timeline: Timeline) -> None:
    names = speakers(timeline)
    assert len(set(names)) == len(timeline.lines)
    for name, line in zip(names, timeline.lines, strict=True):
        assert name
        assert len(name.splitlines()) == 1
        assert name.startswith(one_line(line.name))
    order = {id(line): number for number, line in enumerate(timeline.lines)}
    found = [(order[id(line)], round(1000 * one.start_s)) for _, line, one in spoken(timeline)]
    assert found == [(number, segment[0]) for number, segment in segments(timeline)]


def test_what_failed_stands_beside_the_limits_once() -> None:
    keys = [StreamKey("file", name, "x") for name in ("ann", "bob")]
    faults = [Fault(key, "audio_unreadable", "x.wav is\ncut off") for key in keys]
    assert about(gather("x", faults)) == [LIMITS, "error: x.wav is cut off"]
    assert about(talk())[0] == f"{LIMITS} ({MODEL})"


def test_rows_are_as_few_as_can_be() -> None:
    one, two, three = (Utterance(0, start_s, end_s, "silence") for start_s, end_s in ((0, 2), (1, 3), (2, 4)))
    assert list(lanes([two, three, one])) == [[one, three], [two]]
    assert list(lanes([])) == [[]]


OWN_WORDS = {"html": "It does not say what a person feels", "svg": "from the sound of the voice; often wrong"}
"""What the limits are where there is room for more than a line, or less."""


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in PICTURES])
def test_a_person_reads_the_limits_and_the_model_in_every_format(name: str) -> None:
    text = text_of(name, talk())
    assert OWN_WORDS.get(name, LIMITS) in text
    assert MODEL in text


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_timeline_gives_the_same_bytes(name: str) -> None:
    assert bytes_of(name, talk()) == bytes_of(name, talk())
    assert bytes_of(name, gather("talk.wav", [])) == bytes_of(name, gather("talk.wav", []))
