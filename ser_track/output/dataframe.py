"""Events as a table, for those who have pandas."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

from ser_track.events import Emotion, Event
from ser_track.labels import EMOTIONS, SIX_EMOTIONS
from ser_track.output.wire import encode

_BEFORE: Final = {
    "type": "string",
    "participant": "string",
    "stream": "string",
    "segment": "Int64",
    "start_s": "float64",
    "end_s": "float64",
    "final": "boolean",
    "label": "string",
    "confidence": "float64",
}
_AFTER: Final = {
    "model": "string",
    "classified": "boolean",
    "reason": "string",
    "name": "string",
    "analysed": "boolean",
    "silent_s": "float64",
    "code": "string",
    "message": "string",
}
"""Columns in their order, whatever the events are; probabilities stand between them."""


def to_dataframe(events: Iterable[Event]) -> Any:
    """A `pandas.DataFrame` with a row for each event and a column for each field; what an event lacks is missing.

    ``type`` is what docs/protocol.md calls it. Probabilities have a column for each label that the results have (the
    four emotions where there is no result), those of six ``six_anger`` and so on, those of all labels of a model that
    shows only some of them ``all_…``, if there are any. All results: ``table[table["final"].fillna(False)]``.

    Raises:
        ImportError: there is no pandas.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_dataframe needs pandas, which is not installed; pip install pandas") from error
    events = list(events)
    results = [event for event in events if isinstance(event, Emotion)]
    shares = dict.fromkeys([name for event in results for name in event.probabilities] or EMOTIONS, "float64")
    more = dict.fromkeys([f"all_{name}" for event in results for name in event.all or ()], "float64")
    more |= dict.fromkeys([f"six_{name}" for name in SIX_EMOTIONS if any(event.six for event in results)], "float64")
    kinds = _BEFORE | shares | _AFTER | more
    rows = [_row(event) for event in events]
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _row(event: Event) -> dict[str, Any]:
    row: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    row |= {"type": encode(event).type, "participant": event.key.participant, "stream": event.key.stream}
    if isinstance(event, Emotion):
        row |= event.probabilities
        row |= {f"six_{emotion}": share for emotion, share in (event.six or {}).items()}
        row |= {f"all_{name}": share for name, share in (event.all or {}).items()}
    return row
