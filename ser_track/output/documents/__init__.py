"""Writes a recording's results in the formats of common programs: one module per format; `FORMATS` lists all."""

from ser_track.engine.timeline import Line, Timeline, Utterance
from ser_track.output.documents.format import Format, Results, text_format
from ser_track.output.documents.gatherer import Gatherer, SoundKept
from ser_track.output.documents.registry import FORMATS, GROUP

__all__ = [
    "FORMATS",
    "GROUP",
    "Format",
    "Gatherer",
    "Line",
    "Results",
    "SoundKept",
    "Timeline",
    "Utterance",
    "text_format",
]
