"""CSV, as Python's csv reads it."""

import csv
import io

import pytest
from hypothesis import given

from ser_track.engine.timeline import Timeline, gather
from ser_track.event_types import Event, Joined, SpeechEnded, StreamKey
from ser_track.output.documents.wording import LIMITS
from tests.helpers.document_timelines import (
    MODEL,
    TALK,
    bytes_of,
    emotion,
    events_of,
    learning,
    segments,
    talk,
    timelines,
)

KEY = StreamKey("file", "ann", "talk.wav")


def read(timeline: Timeline) -> list[dict[str, str]]:
    text = bytes_of("csv", timeline).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_it_begins_with_the_mark_by_which_excel_knows_utf_8() -> None:
    written = bytes_of("csv", gather("talk", events_of({"Zoë": TALK["Ann"][:1]})))
    assert written.startswith(b"\xef\xbb\xbfrecording,participant,")
    assert written.count(b"\xef\xbb\xbf") == 1
    assert [row["name"] for row in read(gather("talk", events_of({"Zoë": TALK["Ann"][:1]})))] == ["Zoë"]


def test_a_row_says_all_that_is_known_of_a_segment() -> None:
    rows = read(talk())
    assert rows[0] == {
        "recording": "talk.wav",
        "participant": "Ann",
        "name": "Ann",
        "segment": "0",
        "start_s": "1.000",
        "end_s": "2.504",
        "reason": "silence",
        "label": "happiness",
        "confidence": "0.7000",
        "voice_known": "",
        "anger": "0.1000",
        "happiness": "0.7000",
        "sadness": "0.1000",
        "neutral": "0.1000",
        "model": MODEL,
        "note": LIMITS,
    }
    assert [(row["name"], row["segment"], row["label"]) for row in rows[1:]] == [
        ("Bob", "0", "anger"),
        ("Ann", "1", "unsure"),
        ("Ann", "2", ""),
        ("Bob", "1", ""),
    ]


def test_what_was_not_judged_has_no_numbers_and_says_why() -> None:
    short, failed = read(talk())[3:]
    assert (short["note"], failed["note"]) == ("too short", "failed")
    for name in ("label", "confidence", "anger", "happiness", "sadness", "neutral", "model"):
        assert short[name] == failed[name] == ""


def test_how_well_the_voice_was_known_has_a_column() -> None:
    rows = read(learning())
    assert [row["voice_known"] for row in rows] == ["0.0000", "0.4286", "0.5000"]
    assert [row["label"] for row in rows] == ["anger", "unsure", "anger"]


def test_six_probabilities_have_columns_where_there_are_any() -> None:
    events: list[Event] = [
        Joined(KEY, "Ann", analysed=True),
        SpeechEnded(KEY, 0, 0.0, 1.0, "silence", classified=True),
        emotion(KEY, 0, 0.0, 1.0, "anger", six=True),
        SpeechEnded(KEY, 1, 2.0, 3.0, "silence", classified=False),
    ]
    judged, short = read(gather("talk.wav", events))
    six = [f"six_{name}" for name in ("anger", "happiness", "sadness", "neutral", "disgust", "fear")]
    assert [judged[name] for name in six] == ["0.1667"] * 6
    assert [short[name] for name in six] == [""] * 6
    assert "six_fear" not in read(talk())[0]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_computes_nothing_of_a_name(name: str) -> None:
    [row] = read(gather(name, events_of({name: TALK["Ann"][:1]})))
    assert row["recording"] == row["participant"] == row["name"] == f"'{name}"


@given(timelines())
def test_whatever_the_names_every_row_is_read_as_it_was(timeline: Timeline) -> None:
    found = []
    for row in read(timeline):
        label = row["label"] or f"({row['note']})"
        segment = (round(1000 * float(row["start_s"])), round(1000 * float(row["end_s"])), label)
        found.append((row["participant"].removeprefix("'"), row["name"].removeprefix("'"), segment))
    people = [(line.participant.removeprefix("'"), line.name.removeprefix("'")) for line in timeline.lines]
    assert found == [(*people[number], segment) for number, segment in segments(timeline)]
