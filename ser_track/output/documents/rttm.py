"""RTTM (NIST, Rich Transcription Time Marked), the format of tools that score speaker diarisation."""

from pathlib import PurePath
from typing import TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.wording import about, milliseconds, one_line, speakers, spoken, verdict


def write(timeline: Timeline, output: TextIO) -> None:
    """Write a SPEAKER line per classified segment: the label is the name, the participant the channel, 1, 2 …

    Comments name the participant of each channel, and the segments without a label: a placeholder would be scored.
    """
    recording = _token(PurePath(timeline.title).stem)
    names = speakers(timeline)
    channels = {name: number for number, name in enumerate(names, 1)}
    comments = [*about(timeline), *(f"channel {channels[name]}: {name}" for name in names)]
    output.writelines(_comment(text) for text in comments)
    for speaker, _, utterance in spoken(timeline):
        start_ms, end_ms = milliseconds(utterance.start_s), milliseconds(utterance.end_s)
        place = f"{channels[speaker]} {start_ms / 1000:.3f} {(end_ms - start_ms) / 1000:.3f}"
        if utterance.emotion is None:
            output.write(_comment(f"no result: channel {place} {verdict(utterance)}"))
        else:
            name, confidence = utterance.emotion.label, f"{utterance.emotion.confidence:.4f}"
            output.write(f"SPEAKER {recording} {place} <NA> <NA> {name} {confidence} <NA>\n")


def _comment(text: str) -> str:
    """Return a comment as one quoted field: readers without comment support (pandas) then see no misplaced numbers."""
    return f';; "{text.replace(chr(34), chr(39))}"\n'


def _token(text: str) -> str:
    """Return ``text`` as one field: without spaces, and without quotes, which some readers would pair."""
    return one_line(text).replace(" ", "_").replace('"', "'") or "recording"
