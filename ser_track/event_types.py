"""What happens in a meeting, as values: frozen and slotted, without behaviour."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

EndReason = Literal["silence", "max_duration", "stalled", "flush"]
Consent = Literal["required", "notice"]
"""Of people whom the bot joins: analysed only once they agreed, or until they refuse. Everybody gets the notice."""
MeetingState = Literal["joining", "joined", "reconnecting", "left"]


class StreamKey(NamedTuple):
    """One audio stream of one participant. ``stream`` is new at each join, so results never carry over a rejoin.

    >>> next(events("meeting.mkv")).key
    StreamKey(meeting='file', participant='Ada', stream='meeting.mkv')
    """

    meeting: str
    participant: str
    stream: str


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Voice was detected; times are in seconds of the stream."""

    key: StreamKey
    segment: int
    start_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Voice ended. ``classified`` is false where the segment was under the minimum duration and dropped."""

    key: StreamKey
    segment: int
    start_s: float
    end_s: float
    reason: EndReason
    classified: bool


@dataclass(frozen=True, slots=True)
class Emotion:
    """What the model hears in ``[start_s, end_s)``: provisional while the segment is open, then final once.

    ``label`` is the likeliest of the labels that are shown, or "unsure" where ``confidence``, its probability, is
    below ``pipeline.min_confidence``.

    >>> for event in events("call.wav", provisional=False):
    ...     match event:
    ...         case Emotion(start_s=start_s, end_s=end_s, label=label):
    ...             print(f"{start_s:.1f} to {end_s:.1f} s: {label}")
    0.3 to 4.6 s: ...
    6.9 to 11.9 s: ...
    12.6 to 14.2 s: ...
    """

    key: StreamKey
    segment: int
    start_s: float
    end_s: float
    final: bool
    probabilities: dict[str, float]
    """Of the labels that are shown, in the order of the model's `LabelSet`; they sum to 1 if those are all it has."""
    label: str
    confidence: float
    model: str
    six: dict[str, float] | None = None
    """Probabilities of six emotions, where the configuration asks for them and the model tells them apart."""
    all: dict[str, float] | None = None
    """Probabilities of all labels of a model that shows only some of them (`LabelSet.shown`); they sum to 1."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A participant is there. ``analysed`` says whether they agreed to be heard by the model."""

    key: StreamKey
    name: str
    analysed: bool


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """A participant agreed to analysis, or withdrew; withdrawn means: heard no more, and what was held is gone."""

    key: StreamKey
    analysed: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A participant is gone."""

    key: StreamKey
    reason: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """No audio came for ``silent_s`` seconds although the participant agreed to send some."""

    key: StreamKey
    silent_s: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Audio of a stalled participant came again."""

    key: StreamKey


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed for this stream; ``segment`` where it concerns one. Never swallowed, never taken for silence."""

    key: StreamKey
    code: str
    message: str
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Told to everybody in a meeting that the bot has joined: what it does, and where each can refuse or agree."""

    text: str
    url: str | None
    """``None`` without a server for it: then they answer in the meeting itself."""
    consent: Consent


@dataclass(frozen=True, slots=True)
class MeetingChanged:
    """How it stands between the bot and a meeting on another server."""

    meeting: str
    state: MeetingState
    reason: str | None = None


EngineEvent = SpeechStarted | SpeechEnded | Emotion | Fault
Event = EngineEvent | Joined | ConsentChanged | Left | Stalled | Resumed
"""What concerns a stream of a participant."""
Announcement = Notice | MeetingChanged
"""What concerns a meeting as a whole."""


class EncodedEvent(NamedTuple):
    """An event with its wire form (docs/protocol.md), encoded once for every sink that it goes to."""

    event: Event | Announcement
    type: str
    """The type's name on the wire, such as ``emotion``."""
    text: str
    """Compact JSON without a newline."""
