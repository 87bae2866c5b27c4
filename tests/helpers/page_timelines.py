"""Timelines made by hand."""

from ser_track.engine.timeline import Line, Timeline, Utterance
from ser_track.event_types import Emotion, EndReason, StreamKey
from ser_track.labels import EMOTIONS, UNSURE

MODEL = "small@2.1.0"


def utterance(
    start_s: float,
    end_s: float,
    *probabilities: float,
    label: str | None = None,
    reason: EndReason = "silence",
    known: float | None = None,
) -> Utterance:
    """Judged if ``probabilities``, four, are given; labelled as the likeliest unless said otherwise."""
    if not probabilities:
        return Utterance(0, start_s, end_s, reason)
    shares = dict(zip(EMOTIONS, probabilities, strict=True))
    likeliest = max(shares, key=lambda name: shares[name])
    heard = label or (likeliest if shares[likeliest] >= 0.5 else UNSURE)
    key = StreamKey("file", "a", "a.wav")
    emotion = Emotion(key, 0, start_s, end_s, True, shares, heard, shares[likeliest], MODEL, voice_known=known)
    return Utterance(0, start_s, end_s, reason, emotion)


def timeline(*lines: Line, title: str = "talk.wav") -> Timeline:
    return Timeline(title, list(lines))
