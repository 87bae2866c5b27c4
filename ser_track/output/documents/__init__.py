"""A timeline as a file for programs that people already use: one module per format, `FORMATS` names them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents import audacity, csv, eaf, emotionml, rttm, textgrid, vtt


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a timeline."""

    name: str
    suffix: str
    """With its dot, as programs that open such files expect it."""
    write: Callable[[Timeline, TextIO], None]
    """Onto a stream that the caller opened, as UTF-8 and with ``newline=""``, and closes."""
    meaning: str
    """In one line, for `--help`."""


FORMATS: Final[dict[str, Format]] = {
    format_.name: format_
    for format_ in (
        Format("csv", ".csv", csv.write, "a row per segment, for spreadsheets and statistics"),
        Format("vtt", ".vtt", vtt.write, "WebVTT: captions over the video, with voice tags"),
        Format("textgrid", ".TextGrid", textgrid.write, "Praat: tiers of intervals per participant"),
        Format("eaf", ".eaf", eaf.write, "ELAN: tiers of annotations per participant"),
        Format("rttm", ".rttm", rttm.write, "SPEAKER lines with the label as the name, for scoring tools"),
        Format("emotionml", ".emotionml", emotionml.write, "W3C EmotionML 1.0: all probabilities of each segment"),
        Format("audacity", ".txt", audacity.write, "a label track for Audacity"),
    )
}
