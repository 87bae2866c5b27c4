"""`to_dataframe`: events as a pandas table. pandas is not a dependency; it is imported on use."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

from ser_track.event_types import Announcement, Emotion, EncodedEvent, Event
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
    "voice_known": "float64",
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
"""Columns in order, for any events; the probabilities are between them."""


class DataFrameSink:
    """A sink that collects events for a table."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._results: list[Emotion] = []

    def put(self, event: EncodedEvent) -> None:
        """Add one event; events about the meeting as a whole have no row."""
        if not isinstance(event.event, Announcement):
            self._rows.append(_row(event.type, event.event))
        if isinstance(event.event, Emotion):
            self._results.append(event.event)

    def table(self) -> Any:
        """Return all events so far, as `to_dataframe` does. Raises ImportError if pandas is not installed."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_dataframe needs pandas, which is not installed; pip install pandas") from error
        kinds = _BEFORE | _shares(self._results) | _AFTER | _more_shares(self._results)
        return pd.DataFrame(self._rows, columns=list(kinds)).astype(kinds)


def to_dataframe(events: Iterable[Event]) -> Any:
    """Return a `pandas.DataFrame`: one row per event, one column per field; absent fields are missing values.

    >>> table = to_dataframe(events("meeting.mkv"))
    >>> results = table[table["final"].fillna(False)]  # without provisional ones
    >>> sorted(set(results["participant"]))
    ['Ada', 'Bob']

    ``type`` is the name of the event in docs/protocol.md. Probabilities have a column for each label in the
    results, or for the four emotions if there are no results. Columns for six emotions, if there are any, are
    ``six_anger`` and so on; columns for all labels, if a model shows only some of them, are ``all_…``.

    Raises:
        ImportError: pandas is not installed.
    """
    sink = DataFrameSink()
    for event in events:
        sink.put(encode(event))
    return sink.table()


def _shares(results: Sequence[Emotion]) -> dict[str, str]:
    names = dict.fromkeys(name for event in results for name in event.probabilities)
    return dict.fromkeys(names or EMOTIONS, "float64")


def _more_shares(results: Sequence[Emotion]) -> dict[str, str]:
    every = dict.fromkeys(f"all_{name}" for event in results for name in event.all or ())
    six = dict.fromkeys(f"six_{name}" for name in SIX_EMOTIONS if any(event.six for event in results))
    return dict.fromkeys((*every, *six), "float64")


def _row(type_name: str, event: Event) -> dict[str, Any]:
    row: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    row |= {"type": type_name, "participant": event.key.participant, "stream": event.key.stream}
    if isinstance(event, Emotion):
        row |= event.probabilities
        row |= {f"six_{emotion}": share for emotion, share in (event.six or {}).items()}
        row |= {f"all_{name}": share for name, share in (event.all or {}).items()}
    return row
