"""RTTM, as pyannote.database reads it, which knows no comments, and by its fields."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from pyannote.core import Annotation
from pyannote.database.util import load_rttm

from ser_track.engine.timeline import Timeline, gather
from ser_track.output.documents.wording import LIMITS
from tests.helpers.document_timelines import MODEL, saved, segments, talk, text_of, timelines

# It says of itself that it is typed, and this function is not.
_load: Callable[[str], dict[str, Annotation]] = load_rttm


def read(timeline: Timeline) -> dict[str, Annotation]:
    with saved("rttm", timeline) as path:
        loaded = _load(str(path))
    # A comment is a file without turns to it.
    return {name: annotation for name, annotation in loaded.items() if len(annotation)}


def turns(annotation: Annotation) -> list[tuple[int, int, str]]:
    return [
        (round(1000 * turn.start), round(1000 * turn.end), label)
        for turn, _, label in annotation.itertracks(yield_label=True)
    ]


def test_labels_are_the_names_of_speakers_and_only_judged_segments_are_there() -> None:
    [(recording, annotation)] = read(talk()).items()
    assert recording == "talk"
    assert turns(annotation) == [(1_000, 2_504, "happiness"), (1_504, 3_008, "anger"), (2_504, 4_000, "unsure")]


def test_channels_are_people_and_comments_say_the_rest() -> None:
    lines = text_of("rttm", talk()).splitlines()
    assert lines == [
        f';; "{LIMITS} ({MODEL})"',
        ';; "error: the model failed at a segment"',
        ';; "channel 1: Ann"',
        ';; "channel 2: Bob"',
        ';; "channel 3: Cy"',
        "SPEAKER talk 1 1.000 1.504 <NA> <NA> happiness 0.7000 <NA>",
        "SPEAKER talk 2 1.504 1.504 <NA> <NA> anger 0.7000 <NA>",
        "SPEAKER talk 1 2.504 1.496 <NA> <NA> unsure 0.4000 <NA>",
        ';; "no result: channel 1 5.024 0.176 (too short)"',
        ';; "no result: channel 2 3603.000 1.000 (failed)"',
    ]


def test_a_recordings_name_is_one_field() -> None:
    for title, field in (("a talk.wav", "a_talk"), ('"x" .wav', "'x'"), ("", "recording"), ("\t.wav", "recording")):
        spoken = gather(title, [])
        spoken.lines = talk().lines
        assert list(read(spoken)) == [field]


@given(timelines())
def test_whatever_the_names_a_reader_finds_every_turn(timeline: Timeline) -> None:
    timeline.title = "talk.wav"  # names of files are above
    expected = [segment for _, segment in segments(timeline) if not segment[2].startswith("(")]
    found = [turn for annotation in read(timeline).values() for turn in turns(annotation)]
    assert Counter(found) == Counter(expected)
    lines = [line.split() for line in text_of("rttm", timeline).splitlines() if not line.startswith(";;")]
    assert all(len(fields) == 10 for fields in lines)
    people = [number for number, segment in segments(timeline) if not segment[2].startswith("(")]
    assert [int(fields[2]) - 1 for fields in lines] == people
