"""Events as JSON: every kind, as the schema says, and nothing that the schema does not know."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from ser_track.event_types import (
    Announcement,
    ConsentChanged,
    Emotion,
    Event,
    Fault,
    Joined,
    Left,
    MeetingChanged,
    Notice,
    Resumed,
    SpeechEnded,
    SpeechStarted,
    Stalled,
    StreamKey,
)
from ser_track.labels import EMOTIONS
from ser_track.output.wire import to_json, to_line
from tests.helpers.event_schema import TYPES, VALIDATOR, parse_lines

KEY = StreamKey("room", "p1", "s1")
SHARES = {"anger": 0.123456, "happiness": 0.2, "sadness": 0.3, "neutral": 0.376544}
EVENTS: dict[str, Event | Announcement] = {
    "joined": Joined(KEY, "Zoë", analysed=True),
    "left": Left(KEY, "end"),
    "consent": ConsentChanged(KEY, analysed=False),
    "stalled": Stalled(KEY, 5.00049),
    "resumed": Resumed(KEY),
    "error": Fault(KEY, "classifier_failed", "it failed", 3),
    "speech_started": SpeechStarted(KEY, 0, 0.0),
    "speech_ended": SpeechEnded(KEY, 0, 0.0, 1.2346, "max_duration", classified=True),
    "emotion": Emotion(KEY, 0, 0.0, 1.5, True, SHARES, "neutral", 0.376544, "a@1", voice_known=0.428571),
    "notice": Notice("A bot listens.", "http://localhost/meetings/m/notice", "required"),
    "meeting": MeetingChanged("m", "reconnecting", "it was lost"),
}
OPTIONAL = {"emotion": {"voice_known"}, "error": {"segment"}, "meeting": {"reason"}, "notice": {"url"}}
times = st.floats(0, 1e6)


def test_the_schema_is_one_and_knows_every_event() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)
    every_type = {kind for part in get_args(Event | Announcement) for kind in (get_args(part) or (part,))}
    assert {type(event) for event in EVENTS.values()} == every_type
    assert list(EVENTS) == TYPES


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_its_type_and_fits_the_schema(name: str) -> None:
    encoded = to_json(EVENTS[name])
    VALIDATOR.validate(encoded)
    head: dict[str, object] = {"version": 1, "type": name}
    if not isinstance(EVENTS[name], Notice | MeetingChanged):
        head |= {"participant": "p1", "stream": "s1"}
        assert "meeting" not in encoded
    assert encoded | head == encoded
    assert "key" not in encoded


@pytest.mark.parametrize("name", EVENTS)
def test_the_schema_accepts_no_other_field_and_misses_each(name: str) -> None:
    encoded = to_json(EVENTS[name])
    with pytest.raises(ValidationError):
        VALIDATOR.validate(encoded | {"surprise": 1})
    for field in encoded.keys() - OPTIONAL.get(name, set()):
        with pytest.raises(ValidationError):
            VALIDATOR.validate({key: value for key, value in encoded.items() if key != field})


def test_times_are_milliseconds_and_probabilities_have_four_decimals() -> None:
    assert to_json(EVENTS["stalled"])["silent_s"] == 5.0
    assert to_json(EVENTS["speech_ended"])["end_s"] == 1.235
    emotion = to_json(EVENTS["emotion"])
    assert emotion["probabilities"]["anger"] == 0.1235
    assert emotion["confidence"] == emotion["probabilities"]["neutral"] == 0.3765
    assert emotion["voice_known"] == 0.4286


@pytest.mark.parametrize("known", [0.0, 0.5, 0.9412, None])
def test_how_well_a_voice_is_known_is_on_the_wire_unless_the_model_does_not_adapt(known: float | None) -> None:
    encoded = to_json(Emotion(KEY, 0, 0.0, 1.5, False, SHARES, "neutral", 0.376544, "a@1", voice_known=known))
    VALIDATOR.validate(encoded)
    assert encoded.get("voice_known", "missing") == ("missing" if known is None else known)


def test_a_fault_without_segment_names_none() -> None:
    encoded = to_json(Fault(KEY, "audio_unreadable", "cut off"))
    VALIDATOR.validate(encoded)
    assert "segment" not in encoded


def test_a_line_is_compact_readable_json() -> None:
    line = to_line(EVENTS["joined"])
    assert line == ('{"version":1,"type":"joined","participant":"p1","stream":"s1","name":"Zoë","analysed":true}')


def test_what_is_no_number_never_becomes_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_line(Stalled(KEY, float("nan")))


@given(times, times, st.lists(st.floats(0.001, 1), min_size=4, max_size=4), st.text())
def test_whatever_the_values_one_line_comes_out_that_fits(
    start: float, end: float, raw: list[float], name: str
) -> None:
    shares = {emotion: share / sum(raw) for emotion, share in zip(EMOTIONS, raw, strict=True)}
    label = max(shares, key=shares.__getitem__)
    events = (Emotion(KEY, 7, start, end, False, shares, label, shares[label], "m@1"), Joined(KEY, name, analysed=True))
    # Not splitlines(): JSON may hold U+2028, which is no end of a line in JSON lines.
    lines = [to_line(event) for event in events]
    assert all("\n" not in line and "\r" not in line for line in lines)
    emotion, joined = (json.loads(line) for line in lines)
    VALIDATOR.validate(emotion)
    VALIDATOR.validate(joined)
    assert joined["name"] == name
    assert abs(sum(emotion["probabilities"].values()) - 1) < 0.0003
    assert emotion["confidence"] == max(emotion["probabilities"].values())


def test_lines_of_a_file_are_checked_one_by_one() -> None:
    lines = "\n".join(to_line(event) for event in EVENTS.values())
    assert [event["type"] for event in parse_lines(lines)] == TYPES
