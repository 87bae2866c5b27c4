"""RTTM (NIST, Rich Transcription Time Marked), as tools read it that score who spoke when."""

from pathlib import PurePath
from typing import TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.wording import about, milliseconds, one_line, speakers, spoken, verdict


def write(timeline: Timeline, output: TextIO) -> None:
    """A SPEAKER line per judged segment: the label stands as the name, the participant as the channel, 1, 2 …

    Comments say who is on which channel, and which segments have no label: a label that is none would be scored.
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
    """A comment that is one quoted field: readers that know no comments (pandas) then see no numbers out of place."""
    return f';; "{text.replace(chr(34), chr(39))}"\n'


def _token(text: str) -> str:
    """``text`` as one field: no spaces, and no quotes, which some readers would pair."""
    return one_line(text).replace(" ", "_").replace('"', "'") or "recording"
