"""Messages to a bridge: transcription results, which it forwards into the conference, where they appear as subtitles.

A bridge forwards fields that it does not know, so one of them contains the whole event.
"""

import json
import time
from typing import Any, Final

from ser_track.event_types import Emotion, EncodedEvent, Notice
from ser_track.first_impressions import LEARNING_TITLE, is_first_impression
from ser_track.labels import UNSURE

FIELD: Final = "ser_track"
"""The field with the event, as docs/protocol.md describes it."""


def of_emotion(endpoint: str, emotion: Emotion, encoded: EncodedEvent) -> str:
    """A result for people: a guess and its confidence; provisional results are ``is_interim``."""
    guess = "unsure" if emotion.label == UNSURE else f"{emotion.label}, {emotion.confidence:.0%} sure"
    text = f"voice sounds like: {guess}"
    if is_first_impression(emotion.voice_known):
        text = f"{LEARNING_TITLE}; {guess if emotion.label == UNSURE else f'perhaps {guess}'}"
    return _message(endpoint, f"[{text}]", emotion.confidence, encoded, interim=not emotion.final)


def of_notice(endpoint: str, notice: EncodedEvent) -> str:
    """The notice, for display in place of subtitles."""
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
    # Escaped: ids come from JSON, which may contain a lone surrogate, and that cannot be sent as UTF-8. The event
    # contains none of their ids, and goes in as it was encoded for all sinks.
    return f'{json.dumps(message, allow_nan=False)[:-1]}, "{FIELD}": {event.text}}}'
