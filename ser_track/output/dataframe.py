"""`to_dataframe`: events as a pandas table. pandas is not a dependency; it is imported on use."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

from ser_track.events import Emotion, Event
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.output.wire import encode

_KINDS: Final = {
    "type": "string",
    "participant": "string",
    "stream": "string",
    "segment": "Int64",
    "start_s": "float64",
    "end_s": "float64",
    "final": "boolean",
    "label": "string",
    "confidence": "float64",
    **dict.fromkeys(EMOTIONS, "float64"),
    "model": "string",
    "classified": "boolean",
    "reason": "string",
    "name": "string",
    "analysed": "boolean",
    "silent_s": "float64",
    "code": "string",
    "message": "string",
}
"""Columns in their order, whatever the events are."""
_SIX: Final = dict.fromkeys((f"six_{emotion}" for emotion in SIX_EMOTIONS), "float64")


def to_dataframe(events: Iterable[Event]) -> Any:
    """A `pandas.DataFrame`: a row for each event, a column for each field; fields that an event lacks are missing.

    >>> table = to_dataframe(events("meeting.mkv"))
    >>> results = table[table["final"].fillna(False)]  # without provisional ones
    >>> sorted(set(results["participant"]))
    ['Ada', 'Bob']

    ``type`` is the name of the event in docs/protocol.md. Probabilities have a column for each emotion; those of six
    emotions, if there are any, are ``six_anger`` and so on.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_dataframe needs pandas, which is not installed; pip install pandas") from error
    rows = [_row(event) for event in events]
    kinds = _KINDS | (_SIX if any("six_anger" in row for row in rows) else {})
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _row(event: Event) -> dict[str, Any]:
    row: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    row |= {"type": encode(event).type, "participant": event.key.participant, "stream": event.key.stream}
    if isinstance(event, Emotion):
        row |= event.probabilities
        row |= {f"six_{emotion}": share for emotion, share in (event.six or {}).items()}
    return row
