"""The published form of events, ready to check with."""

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.paths import ROOT

_SCHEMA = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(_SCHEMA)
TYPES = [reference["$ref"].rpartition("/")[2] for reference in _SCHEMA["oneOf"]]


def parse_lines(text: str) -> list[dict[str, Any]]:
    """JSON lines as objects, each held against the schema."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        VALIDATOR.validate(event)
    return events
