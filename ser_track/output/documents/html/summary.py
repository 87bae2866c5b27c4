"""Statistics of a timeline: speaking times and results, by arithmetic alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ser_track.engine.timeline import Line, Timeline, Utterance
from ser_track.first_impressions import is_first_impression
from ser_track.labels import UNSURE

Transitions = Counter[tuple[str, str]]
"""How often a result with the first label was followed by one with the second, of the same participant."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of one participant, or of all together."""

    utterances: int
    speech_s: float
    """Seconds of all utterances, short pauses inside them included."""
    judged: int
    judged_s: float
    """Of these, the seconds with a final result: segments that are too short have none."""
    first_impressions: int
    """How many of the ``judged`` utterances were judged before the model knew the voice."""
    shares: dict[str, float]
    """Share of ``judged_s`` that each label and "unsure" take; sums to 1, or empty if there are no results."""
    means: dict[str, float]
    """Mean probability of each label that is shown, weighted by time; sums to 1, or empty if there are no results."""
    transitions: Transitions

    @property
    def mean_utterance_s(self) -> float:
        """Mean length of an utterance; 0 if there are none."""
        return self.speech_s / self.utterances if self.utterances else 0.0


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """Statistics of a whole recording."""

    everyone: Summary
    participants: tuple[tuple[Line, Summary], ...]
    voiced_s: float
    """Seconds during which at least one participant speaks."""
    overlap_s: float
    """Of these, seconds during which two or more speak."""

    def share_of_speech(self, participant: Summary) -> float:
        """Return this participant's share of everybody's speaking time; 0 if nobody spoke."""
        return participant.speech_s / self.everyone.speech_s if self.everyone.speech_s else 0.0


def summarise(timeline: Timeline) -> MeetingSummary:
    """The statistics of ``timeline``."""
    everyone = [utterance for line in timeline.lines for utterance in line.utterances]
    names = timeline.labels.shown
    each = tuple((line, _summary(line.utterances, names, _transitions(line.utterances))) for line in timeline.lines)
    transitions = sum((summary.transitions for _, summary in each), Transitions())
    voiced_s, overlap_s = _occupied_s((utterance.start_s, utterance.end_s) for utterance in everyone)
    return MeetingSummary(_summary(everyone, names, transitions), each, voiced_s, overlap_s)


def in_time(utterances: Iterable[Utterance]) -> list[Utterance]:
    """Return ``utterances`` ordered by start."""
    return sorted(utterances, key=lambda utterance: (utterance.start_s, utterance.end_s))


def _summary(utterances: Sequence[Utterance], names: Sequence[str], transitions: Transitions) -> Summary:
    results = [(one.end_s - one.start_s, one.emotion) for one in utterances if one.emotion is not None]
    judged_s = sum(duration_s for duration_s, _ in results)
    labels, probabilities = dict.fromkeys((*names, UNSURE), 0.0), dict.fromkeys(names, 0.0)
    for duration_s, emotion in results:
        labels[emotion.label] += duration_s
        for name, probability in emotion.probabilities.items():
            # Rounded or single-precision values may not sum to 1 exactly.
            probabilities[name] += duration_s * probability / (sum(emotion.probabilities.values()) or 1.0)
    return Summary(
        len(utterances),
        sum(one.end_s - one.start_s for one in utterances),
        len(results),
        judged_s,
        sum(is_first_impression(emotion.voice_known) for _, emotion in results),
        {name: seconds / judged_s for name, seconds in labels.items()} if judged_s else {},
        {name: seconds / judged_s for name, seconds in probabilities.items()} if judged_s else {},
        transitions,
    )


def _transitions(utterances: Iterable[Utterance]) -> Transitions:
    """Count transitions; an utterance without a result is skipped."""
    return Transitions(pairwise(one.emotion.label for one in in_time(utterances) if one.emotion is not None))


def _occupied_s(stretches: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the seconds that at least one, and at least two of ``stretches`` cover."""
    borders = sorted(border for start_s, end_s in stretches for border in ((start_s, 1), (end_s, -1)))
    speaking, voiced_s, overlap_s = 0, 0.0, 0.0
    for (at_s, change), (next_s, _) in pairwise(borders):
        speaking += change
        voiced_s += next_s - at_s if speaking >= 1 else 0.0
        overlap_s += next_s - at_s if speaking >= 2 else 0.0
    return voiced_s, overlap_s
