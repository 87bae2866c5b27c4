"""The published form of events, ready to check with."""

import json
from typing import Any

from jsonschema import Draft202012Validator

from ser_track.labels import EMOTIONS, SIX_EMOTIONS, UNSURE
from tests.paths import ROOT

_SCHEMA = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(_SCHEMA)
TYPES = [reference["$ref"].rpartition("/")[2] for reference in _SCHEMA["oneOf"]]


def check_ours(event: dict[str, Any]) -> None:
    """The schema allows the labels of any model; those of ours are these."""
    assert tuple(event["probabilities"]) == EMOTIONS
    assert event["label"] in (*EMOTIONS, UNSURE)
    assert tuple(event.get("six", SIX_EMOTIONS)) == SIX_EMOTIONS
    assert "all" not in event


def parse_lines(text: str) -> list[dict[str, Any]]:
    """JSON lines as objects, each held against the schema."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        VALIDATOR.validate(event)
        if event["type"] == "emotion" and event["model"].startswith(("small@", "base@")):
            check_ours(event)
    return events
