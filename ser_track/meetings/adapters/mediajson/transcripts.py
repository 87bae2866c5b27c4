"""What goes back to a bridge: transcription results, which it passes on into the conference, where they are subtitles.

A bridge ignores fields that it does not know and passes them on, so the event is in one of them, whole.
"""

import json
import time
from typing import Any, Final

from ser_track.event_types import Emotion, EncodedEvent, Notice
from ser_track.labels import UNSURE

FIELD: Final = "ser_track"
"""The field with the event as docs/protocol.md has it."""


def of_emotion(endpoint: str, emotion: Emotion, encoded: EncodedEvent) -> str:
    """A result, as people can read it: a guess, and how sure; provisional ones are ``is_interim``."""
    guess = "unsure" if emotion.label == UNSURE else f"{emotion.label}, {emotion.confidence:.0%} sure"
    return _message(endpoint, f"[voice sounds like: {guess}]", emotion.confidence, encoded, interim=not emotion.final)


def of_notice(endpoint: str, notice: EncodedEvent) -> str:
    """The notice, to be read where subtitles are."""
    assert isinstance(notice.event, Notice)
    return _message(endpoint, notice.event.text, 1.0, notice, interim=False)


def _message(endpoint: str, text: str, confidence: float, event: EncodedEvent, *, interim: bool) -> str:
    message: dict[str, Any] = {
        "type": "transcription-result",
        "is_interim": interim,
        "transcript": [{"text": text, "confidence": round(confidence, 4)}],
        "participant": {"id": endpoint},
        "timestamp": round(time.time() * 1000),
        "language": "en",
    }
    # Escaped: ids come from JSON, in which half a surrogate pair can be, and that cannot be sent as UTF-8. The event
    # holds none of theirs, and goes in as it was encoded for everybody.
    return f'{json.dumps(message, allow_nan=False)[:-1]}, "{FIELD}": {event.text}}}'
