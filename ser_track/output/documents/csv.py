"""CSV (RFC 4180) in UTF-8 with a byte-order mark: a row per segment, in order of time."""

import csv
from typing import Final, TextIO

from ser_track.engine.timeline import Timeline
from ser_track.labels import SIX_EMOTIONS
from ser_track.output.documents.wording import LIMITS, Spoken, spoken, verdict

_COLUMNS: Final = (
    *("recording", "participant", "name", "segment", "start_s", "end_s", "reason"),
    *("label", "confidence", "voice_known"),
)
_LAST: Final = ("model", "note")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Characters that begin a formula in spreadsheets."""
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes the file for text in the system's old 8-bit encoding, and shows other letters for umlauts."""


def write(timeline: Timeline, output: TextIO) -> None:
    """Write a header, then segments; ``note`` has the limits of each result, or the reason why there is none.

    There are columns ``six_…`` if a result has six probabilities, and ``all_…`` if a model shows only some labels.
    """
    segments = spoken(timeline)
    six = [f"six_{name}" for name in SIX_EMOTIONS if any(_six(segment) for segment in segments)]
    labels = timeline.labels
    hidden = [f"all_{name}" for name in labels.names] if len(labels.shown) < len(labels) else []
    output.write(_BYTE_ORDER_MARK)
    table = csv.DictWriter(output, [*_COLUMNS, *labels.shown, *hidden, *six, *_LAST])
    table.writeheader()
    table.writerows(_row(timeline.title, segment) for segment in segments)


def _row(recording: str, segment: Spoken) -> dict[str, str]:
    utterance, emotion = segment.utterance, segment.utterance.emotion
    row = {
        "recording": _cell(recording),
        "participant": _cell(segment.line.participant),
        "name": _cell(segment.line.name),
        "segment": str(utterance.number),
        "start_s": f"{utterance.start_s:.3f}",
        "end_s": f"{utterance.end_s:.3f}",
        "reason": utterance.reason,
    }
    if emotion is None:
        return row | {"note": verdict(utterance).strip("()")}
    row |= {"label": emotion.label, "confidence": f"{emotion.confidence:.4f}"}
    row |= {} if emotion.voice_known is None else {"voice_known": f"{emotion.voice_known:.4f}"}
    row |= {name: f"{share:.4f}" for name, share in emotion.probabilities.items()}
    row |= {f"six_{name}": f"{share:.4f}" for name, share in _six(segment).items()}
    row |= {f"all_{name}": f"{share:.4f}" for name, share in (emotion.all or {}).items()}
    return row | {"model": _cell(emotion.model), "note": LIMITS}


def _six(segment: Spoken) -> dict[str, float]:
    emotion = segment.utterance.emotion
    return (emotion.six or {}) if emotion is not None else {}


def _cell(text: str) -> str:
    """Return external ``text``, with an apostrophe before it if a spreadsheet would evaluate it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
