"""All formats by name: our own, and those of installed packages (entry points ``ser_track.formats``)."""

from collections.abc import Sequence
from functools import partial
from typing import BinaryIO, Final

from ser_track.output.documents import audacity, csv, eaf, emotionml, plot, rttm, textgrid, vtt
from ser_track.output.documents.format import Format, Results, text_format
from ser_track.output.documents.html import make_page
from ser_track.plugins import Plugins

GROUP: Final = "ser_track.formats"
"""The entry point group; each entry is a `Format` with the name of its entry point."""


def _write_page(results: Results, output: BinaryIO) -> Sequence[str]:
    output.write(make_page(results.timeline, results.sound, results.min_confidence).encode())
    if results.sound.too_long:
        return ["the recording is too long to embed its sound; the page does not contain it"]
    return ()


def _write_plot(suffix: str, results: Results, output: BinaryIO) -> Sequence[str]:
    return plot.save_plot(results.timeline, output, suffix)


def _plot(name: str, meaning: str) -> Format:
    return Format(name, f".{name}", partial(_write_plot, f".{name}"), meaning, plot.missing)


_OWN: Final = (
    text_format("csv", ".csv", csv.write, "a row per segment, for spreadsheets and statistics"),
    text_format("vtt", ".vtt", vtt.write, "WebVTT: captions over the video, with voice tags"),
    text_format("textgrid", ".TextGrid", textgrid.write, "Praat: tiers of intervals per participant"),
    text_format("eaf", ".eaf", eaf.write, "ELAN: tiers of annotations per participant"),
    text_format("rttm", ".rttm", rttm.write, "SPEAKER lines with the label as the name, for scoring tools"),
    text_format("emotionml", ".emotionml", emotionml.write, "W3C EmotionML 1.0: all probabilities of each segment"),
    text_format("audacity", ".txt", audacity.write, "a label track for Audacity"),
    Format("html", ".html", _write_page, "a page with timeline and summary, as --report", shows_sound=True),
    _plot("png", "the timeline as a picture, as --plot"),
    _plot("svg", "the same as vector graphics"),
    _plot("pdf", "the same for print"),
)
FORMATS: Final = Plugins(GROUP, Format, {each.name: each for each in _OWN})
