"""What each participant said and when, gathered from events: what pictures, tables and captions are made of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ser_track.event_types import (
    Announcement,
    Emotion,
    EncodedEvent,
    EndReason,
    Event,
    Fault,
    Joined,
    SpeechEnded,
    StreamKey,
)
from ser_track.labels import FOUR, LabelSet

_Segment = tuple[StreamKey, int]


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
    labels: LabelSet = FOUR
    """Of the model whose results these are."""

    @property
    def end_s(self) -> float:
        """End of the last segment."""
        return max((utterance.end_s for line in self.lines for utterance in line.utterances), default=0.0)


class TimelineGatherer:
    """A sink that makes a timeline of one recording's events, in whatever order those of different streams come."""

    def __init__(self, title: str, labels: LabelSet | None = None) -> None:
        """``title`` is the recording's name; ``labels`` are the model's, else those of the results, as they come."""
        self.timeline = Timeline(title) if labels is None else Timeline(title, labels=labels)
        self._follows_results = labels is None
        """What was told of so far."""
        self._lines: dict[str, Line] = {}
        self._provisional: dict[_Segment, list[Emotion]] = {}
        self._utterances: dict[_Segment, Utterance] = {}

    def put(self, event: EncodedEvent) -> None:
        """Take one event; what concerns a meeting as a whole has no place in a timeline."""
        if not isinstance(event.event, Announcement):
            self.add(event.event)

    def add(self, event: Event) -> None:
        """The same, of an event that was not encoded."""
        line = self._line(event.key.participant)
        match event:
            case Joined(name=name):
                line.name = name
            case SpeechEnded():
                line.utterances.append(self._utterance(event))
            case Emotion(final=True):
                self._utterances[event.key, event.segment].emotion = event
                self._follow(event)
            case Emotion():
                self._provisional.setdefault((event.key, event.segment), []).append(event)
            case Fault():
                self.timeline.faults.append(event)

    def _line(self, participant: str) -> Line:
        if participant not in self._lines:
            self._lines[participant] = Line(participant, participant)
            self.timeline.lines.append(self._lines[participant])
        return self._lines[participant]

    def _follow(self, event: Emotion) -> None:
        """Where nobody said what the labels are, they are what results have, in their usual looks."""
        if self._follows_results and not set(event.probabilities) <= set(self.timeline.labels.shown):
            self.timeline.labels = LabelSet.of(event.all or event.probabilities, shown=event.probabilities)

    def _utterance(self, event: SpeechEnded) -> Utterance:
        segment = event.key, event.segment
        utterance = Utterance(event.segment, event.start_s, event.end_s, event.reason)
        utterance.classified = event.classified
        # They are what is known of it so far, and of no use to anybody before it has an end.
        utterance.provisional = self._provisional.setdefault(segment, [])
        self._utterances[segment] = utterance
        return utterance


def gather(title: str, events: Iterable[Event], labels: LabelSet | None = None) -> Timeline:
    """The timeline of ``events`` of one recording, in whatever order those of different streams come.

    labels: of the model that they come from; without them they are what the events have, in their usual looks.
    """
    gatherer = TimelineGatherer(title, labels)
    for event in events:
        gatherer.add(event)
    return gatherer.timeline
