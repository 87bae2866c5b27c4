"""The events in a meeting, as values: frozen and slotted, without behaviour."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

EndReason = Literal["silence", "max_duration", "stalled", "flush"]
Consent = Literal["required", "notice"]
"""In meetings that the bot joins: people are analysed once they agree, or until they refuse. All get the notice."""
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
    """Voice ended. ``classified`` is false if the segment was shorter than the minimum and was dropped."""

    key: StreamKey
    segment: int
    start_s: float
    end_s: float
    reason: EndReason
    classified: bool


@dataclass(frozen=True, slots=True)
class Emotion:
    """The model's result for ``[start_s, end_s)``: provisional while the segment is open, then final once.

    ``label`` is the likeliest of the labels that are shown, or "unsure" if ``confidence``, its probability, is
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
    """By label, for the shown labels in the order of the model's `LabelSet`; they sum to 1 if all labels are shown."""
    label: str
    confidence: float
    model: str
    six: dict[str, float] | None = None
    """Probabilities of six emotions, if the configuration requests them and the model supports them."""
    all: dict[str, float] | None = None
    """Probabilities of all labels of a model that shows only some of them (`LabelSet.shown`); they sum to 1."""
    voice_known: float | None = None
    """How well the model knew the voice when it made this result, 0 … 1; below 0.5 the result is a first impression.

    ``None`` if the model does not adapt to voices, or ``pipeline.voice_adaptation`` is off.
    """


@dataclass(frozen=True, slots=True)
class Joined:
    """A participant joined. ``analysed`` says whether they agreed to be analysed."""

    key: StreamKey
    name: str
    analysed: bool


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """A participant agreed to analysis, or withdrew: then analysis stops and their buffered audio is deleted."""

    key: StreamKey
    analysed: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A participant left."""

    key: StreamKey
    reason: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """No audio arrived for ``silent_s`` seconds although the participant agreed to send it."""

    key: StreamKey
    silent_s: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Audio of a stalled participant arrives again."""

    key: StreamKey


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed for this stream; ``segment`` is set if it concerns one segment. Faults are never hidden."""

    key: StreamKey
    code: str
    message: str
    segment: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice to everybody in a meeting that the bot joined: what it does, and where they can refuse or agree.

    With a ``code``, it is about one person: somebody wants to agree for them over the link, and must know the code.
    """

    text: str
    url: str | None
    """``None`` without a server for the link: people then answer in the meeting itself."""
    consent: Consent
    own_url: str | None = None
    """The link of the one person who gets this notice; nobody else may see it."""
    participant: str | None = None
    """The participant whom ``code`` is for."""
    code: str | None = None


@dataclass(frozen=True, slots=True)
class MeetingChanged:
    """The state of the bot's connection to a meeting on another server changed."""

    meeting: str
    state: MeetingState
    reason: str | None = None


EngineEvent = SpeechStarted | SpeechEnded | Emotion | Fault
Event = EngineEvent | Joined | ConsentChanged | Left | Stalled | Resumed
"""Events about one stream of a participant."""
Announcement = Notice | MeetingChanged
"""Events about a meeting as a whole."""


class EncodedEvent(NamedTuple):
    """An event with its wire form (docs/protocol.md), encoded once for every sink that it goes to."""

    event: Event | Announcement
    type: str
    """The type's name on the wire, such as ``emotion``."""
    text: str
    """Compact JSON without a newline."""
