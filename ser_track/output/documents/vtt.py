"""WebVTT: captions over the video that say how each voice sounds."""

from typing import Final, TextIO

from ser_track.engine.timeline import Timeline, Utterance
from ser_track.first_impressions import is_first_impression
from ser_track.labels import UNSURE, LabelSet
from ser_track.output.documents.wording import about, milliseconds, spoken

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write(timeline: Timeline, output: TextIO) -> None:
    """Write a cue per segment, in the speaker's voice tag, after a note.

    Segments too short to be classified have no cue: it would only flicker.
    """
    output.write("WEBVTT\n")
    for line in about(timeline):
        output.write(f"\nNOTE {_escaped(line)}\n")
    for speaker, _, utterance in spoken(timeline):
        caption = _caption(utterance, timeline.labels)
        if caption:
            times = f"{_timestamp(utterance.start_s)} --> {_timestamp(utterance.end_s)}"
            name = _escaped(speaker)
            output.write(f"\n{times}\n<v {name}>{name}: {caption}</v>\n")


def _caption(utterance: Utterance, labels: LabelSet) -> str:
    if utterance.emotion is None:
        return "no result, the model failed" if utterance.classified else ""
    emotion = utterance.emotion
    words = _escaped(labels.words(emotion.label, emotion.voice_known))
    if emotion.label == UNSURE:
        return words
    words = words if is_first_impression(emotion.voice_known) else f"sounds like {words}"
    return f"{words} ({100 * emotion.confidence:.0f} %)"


def _escaped(text: str) -> str:
    """Escape ``text`` for a cue or a note: no tags, entities or arrows, which would begin another cue."""
    return text.translate(_ESCAPES)


def _timestamp(seconds: float) -> str:
    minutes, milli = divmod(milliseconds(seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milli // 1000:02}.{milli % 1000:03}"
