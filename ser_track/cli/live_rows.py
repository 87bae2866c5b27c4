"""One participant's row of the live view: its state and its cells."""

from dataclasses import dataclass
from typing import Final

from rich.text import Text

from ser_track.event_types import (
    ConsentChanged,
    Emotion,
    Event,
    Fault,
    Joined,
    Left,
    Resumed,
    SpeechEnded,
    SpeechStarted,
    Stalled,
)
from ser_track.first_impressions import is_first_impression
from ser_track.labels import LabelSet
from ser_track.safe_text import printable

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


@dataclass(slots=True)
class Row:
    """The state of one participant; ``heard`` is the number of their latest event."""

    name: str
    stream: str
    state: str = "analysed"
    speaking: bool = False
    emotion: Emotion | None = None
    heard: int = 0

    def note(self, event: Event) -> None:
        """Update the row with an event of this stream."""
        match event:
            case SpeechStarted():
                self.state, self.speaking = "analysed", True
            case SpeechEnded():
                self.speaking = False
            case Emotion():
                self.emotion = event
            case _:
                self.state = _state(event)
                self.speaking = self.speaking and self.state == "error"
        if isinstance(event, ConsentChanged):
            self.emotion = None

    @property
    def learning(self) -> bool:
        """Whether the result that is shown is a first impression."""
        return self.emotion is not None and is_first_impression(self.emotion.voice_known)

    def cells(self, labels: LabelSet, bar_width: int, learning: str) -> list[Text]:
        """Name, whether they speak, the label, a bar and a number for each label, the state: words, not colours.

        A first impression has ``learning`` in place of its label, and its likeliest label does not stand out.
        """
        now = Text("speaks", style="bold") if self.speaking else Text("-", style="dim")
        state = Text(self.state, style="" if self.state == "analysed" else "yellow")
        if self.emotion is None:
            return [Text(self.name), now, Text(""), *(Text("") for _ in labels.shown), state]
        label = learning if self.learning else title_of(self.emotion.label, labels)
        usual, best = ("dim", "dim") if self.learning else ("", "bold")
        sound = Text(label, style=best) if self.emotion.final else Text(f"{label}…", style=usual)
        shares = [self.emotion.probabilities.get(name, 0.0) for name in labels.shown]
        bars = [Text(_bar(share, bar_width), style=best if share == max(shares) else usual) for share in shares]
        return [Text(self.name), now, sound, *bars, state]


def _bar(share: float, width: int) -> str:
    """A bar of ``width`` characters, and the number."""
    whole, eighths = divmod(round(8 * width * share), 8)
    bar = ("█" * whole + _EIGHTHS[eighths]).ljust(width)[:width]
    return f"{bar} {100 * share:3.0f}%" if width else f"{100 * share:3.0f}%"


def _state(event: Joined | ConsentChanged | Left | Stalled | Resumed | Fault) -> str:
    match event:
        case Joined(analysed=analysed) | ConsentChanged(analysed=analysed):
            return "analysed" if analysed else "not analysed"
        case Left():
            return "left"
        case Stalled():
            return "stalled"
        case Resumed():
            return "analysed"
        case Fault():
            return "error"


def title_of(name: str, labels: LabelSet) -> str:
    """The title of the label ``name``, which may come from another model."""
    return words_of(name, None, labels)


def words_of(name: str, voice_known: float | None, labels: LabelSet) -> str:
    """The label ``name`` of a result in words, tentative ones if it is a first impression."""
    return printable(labels.words(name, voice_known))
