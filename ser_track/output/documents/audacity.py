"""Audacity's label track: start, end and text, with tabs between them."""

from typing import TextIO

from ser_track.engine.timeline import Timeline
from ser_track.output.documents.wording import about, spoken, verdict


def write(timeline: Timeline, output: TextIO) -> None:
    """Write a label per segment, after an empty label at 0 with the limits: the format has no comments."""
    output.write(f"0.000\t0.000\t{'; '.join(about(timeline))}\n")
    for speaker, _, utterance in spoken(timeline):
        text = f"{speaker}: {verdict(utterance)}"
        if utterance.emotion is not None:
            text += f" {utterance.emotion.confidence:.2f}"
        output.write(f"{utterance.start_s:.3f}\t{utterance.end_s:.3f}\t{text}\n")
