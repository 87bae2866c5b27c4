"""What each participant said and when, gathered from events: what pictures, tables and captions are made of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ser_track.events import Emotion, EndReason, Event, Fault, Joined, SpeechEnded


@dataclass(slots=True)
class Utterance:
    """One segment of speech, ``[start_s, end_s)``."""

    number: int
    start_s: float
    end_s: float
    reason: EndReason
    emotion: Emotion | None = None
    """Its final result; none where it was too short to be classified, or the model failed."""
    provisional: list[Emotion] = field(default_factory=list)
    """Results while it was spoken, in their order."""
    classified: bool = True
    """Whether it was long enough to be classified; if so and without a result, the model failed."""


@dataclass(slots=True)
class Line:
    """One participant, from the first sample to the last word."""

    participant: str
    name: str
    utterances: list[Utterance] = field(default_factory=list)

    @property
    def speech_s(self) -> float:
        """Seconds of speech, silence inside segments included."""
        return sum(utterance.end_s - utterance.start_s for utterance in self.utterances)


@dataclass(slots=True)
class Timeline:
    """A recording, or a meeting up to now."""

    title: str
    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        """End of the last segment."""
        return max((utterance.end_s for line in self.lines for utterance in line.utterances), default=0.0)


def gather(title: str, events: Iterable[Event]) -> Timeline:
    """The timeline that ``events`` of one recording tell of, whatever order those of different streams come in."""
    timeline = Timeline(title)
    lines: dict[str, Line] = {}
    provisional: dict[tuple[str, int], list[Emotion]] = {}
    utterances: dict[tuple[str, int], Utterance] = {}
    for event in events:
        participant, stream = event.key.participant, event.key.stream
        if participant not in lines:
            lines[participant] = Line(participant, participant)
            timeline.lines.append(lines[participant])
        match event:
            case Joined(name=name):
                lines[participant].name = name
            case SpeechEnded():
                utterance = Utterance(event.segment, event.start_s, event.end_s, event.reason)
                utterance.classified = event.classified
                # They are what is known of it so far, and of no use to anybody before it has an end.
                utterance.provisional = provisional.setdefault((f"{participant}/{stream}", event.segment), [])
                utterances[f"{participant}/{stream}", event.segment] = utterance
                lines[participant].utterances.append(utterance)
            case Emotion(final=True):
                utterances[f"{participant}/{stream}", event.segment].emotion = event
            case Emotion():
                provisional.setdefault((f"{participant}/{stream}", event.segment), []).append(event)
            case Fault():
                timeline.faults.append(event)
    return timeline
