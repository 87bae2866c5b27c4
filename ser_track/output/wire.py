"""Events as JSON, one form for every sink; docs/protocol.md explains it and docs/protocol.schema.json fixes it."""

import json
from dataclasses import fields
from typing import Any, Final

from ser_track.event_types import (
    Announcement,
    ConsentChanged,
    Emotion,
    EncodedEvent,
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
)

VERSION: Final = 1
"""Version of the wire format: additions keep it, anything else raises it."""
_TIME_DECIMALS: Final = 3
_PROBABILITY_DECIMALS: Final = 4
_TYPES: Final[dict[type, str]] = {
    Joined: "joined",
    Left: "left",
    ConsentChanged: "consent",
    Stalled: "stalled",
    Resumed: "resumed",
    Fault: "error",
    SpeechStarted: "speech_started",
    SpeechEnded: "speech_ended",
    Emotion: "emotion",
    Notice: "notice",
    MeetingChanged: "meeting",
}


def encode(event: Event | Announcement) -> EncodedEvent:
    """``event`` with its type name and its compact JSON."""
    return EncodedEvent(event, _TYPES[type(event)], to_line(event))


def to_json(event: Event | Announcement) -> dict[str, Any]:
    """``event`` as an object for `json.dumps`: times in seconds to the millisecond, probabilities to 4 decimals.

    Rounded probabilities may miss a sum of 1 by 0.0002.
    """
    head = {"version": VERSION, "type": _TYPES[type(event)]}
    if not isinstance(event, Notice | MeetingChanged):
        head |= {"participant": event.key.participant, "stream": event.key.stream}
    body = {field.name: getattr(event, field.name) for field in fields(event) if field.name != "key"}
    return head | {name: _rounded(name, value) for name, value in body.items() if value is not None}


def to_line(event: Event | Announcement) -> str:
    """``event`` as compact JSON without a newline; text stays readable UTF-8."""
    return json.dumps(to_json(event), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _rounded(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {label: _rounded(label, share) for label, share in value.items()}
    if isinstance(value, float):
        return round(float(value), _TIME_DECIMALS if name.endswith("_s") else _PROBABILITY_DECIMALS)
    return value
