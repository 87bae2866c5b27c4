"""What people see of a call in a terminal: a live row for each participant. Elsewhere: a line for each final result."""

import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ser_track.types import (
    EMOTIONS,
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

LIMITS: Final = "How voices sound to a model of acted speech. Often wrong; not what anyone feels."
_REFRESHES_PER_S: Final = 8
_LONGEST_NAME: Final = 20
_WIDTH_BESIDE_BARS: Final = 76
"""Of the table: names, labels, states, percentages, borders."""
_HEIGHT_BESIDE_ROWS: Final = 9


@dataclass(slots=True)
class _Row:
    """What is known of one participant; ``heard`` is the number of their latest event."""

    name: str
    stream: str
    state: str = "analysed"
    speaking: bool = False
    emotion: Emotion | None = None
    heard: int = 0

    def note(self, event: Event) -> None:
        """Take in an event of this stream."""
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


class LiveView:
    """Takes the events of any number of participants and shows who they are, who speaks, and how it sounds.

    On a terminal a table is drawn in place while the context is open, and its last state stays. Elsewhere each final
    result, and each fault, is one line without control codes. May be used from several threads.
    """

    def __init__(self, console: Console | None = None, title: str = "") -> None:
        """Write to ``console``, by default stdout; ``title`` stands above the table."""
        # Not what FORCE_COLOR says: a file or pipe must get no control codes.
        self._console = console or Console(force_terminal=sys.stdout.isatty())
        self._drawn = self._console.is_terminal and not self._console.is_dumb_terminal
        self._title = title
        self._rows: dict[str, _Row] = {}
        self._events = 0
        self._trouble = ""
        self._limits_told = False
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to draw, if this is a terminal that can."""
        if self._drawn:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=_REFRESHES_PER_S)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state and leave it there."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def put(self, event: Event) -> None:
        """Show ``event``. Someone who was not announced is called by their id."""
        with self._lock:
            self._note(event)
            line = None if self._drawn else self._line(event)
        if line is not None:
            self._tell(line)

    def _note(self, event: Event) -> None:
        key = event.key
        row = self._rows.get(key.participant)
        if row is None or row.stream != key.stream:  # never mix two streams of a person
            name, state = (_printable(key.participant), "analysed") if row is None else (row.name, row.state)
            row = self._rows[key.participant] = _Row(name, key.stream, state)
        self._events += 1
        row.heard = self._events
        row.note(event)
        if isinstance(event, Joined):
            row.name = _printable(event.name)
            self._rows = {who: each for who, each in self._rows.items() if each.state != "left"}
        if isinstance(event, Fault):
            self._trouble = f"{row.name}: {_printable(event.message)}"

    def _line(self, event: Event) -> str | None:
        name = self._rows[event.key.participant].name
        if isinstance(event, Fault):
            return f"{name}: error: {_printable(event.message)}"
        if not isinstance(event, Emotion) or not event.final:
            return None
        shares = ", ".join(f"{label} {_percent(share)}" for label, share in event.probabilities.items())
        return f"{name}  {event.start_s:.1f} to {event.end_s:.1f} s  {event.label}  ({shares})"

    def _tell(self, line: str) -> None:
        if not self._limits_told:
            self._limits_told = True
            self._tell(LIMITS)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _render(self) -> Group:
        with self._lock:
            shown, hidden = self._most_recent()
            table = Table(title=Text(self._title) if self._title else None, title_justify="left")
            for column in ("who", "now", "sounds like", *EMOTIONS, ""):
                table.add_column(column, no_wrap=True)
            width = max(2, min(10, (self._console.width - _WIDTH_BESIDE_BARS) // len(EMOTIONS)))
            for row in shown:
                table.add_row(*_cells(row, width))
            below = [Text(f"and {hidden} more, who were not heard lately")] if hidden else []
            trouble = [Text(self._trouble, style="red")] if self._trouble else []
            return Group(table, *below, *trouble, Text(LIMITS, style="italic"))

    def _most_recent(self) -> tuple[list[_Row], int]:
        """As many rows as there is room for, in the order of their arrival; and how many there are beside."""
        present = [row for row in self._rows.values() if row.state != "left"] or list(self._rows.values())
        room = max(1, self._console.height - _HEIGHT_BESIDE_ROWS)
        recent = {id(row) for row in sorted(present, key=lambda row: -row.heard)[:room]}
        return [row for row in present if id(row) in recent], len(present) - len(recent)


def _cells(row: _Row, bar_width: int) -> list[Text]:
    now = Text("speaks", style="bold") if row.speaking else Text("-", style="dim")
    state = Text(row.state, style="" if row.state == "analysed" else "yellow")
    if row.emotion is None:
        return [Text(row.name), now, Text(""), *(Text("") for _ in EMOTIONS), state]
    emotion = row.emotion
    label = Text(emotion.label, style="bold") if emotion.final else Text(f"{emotion.label} ...")
    best = max(emotion.probabilities.values())
    shares = [emotion.probabilities.get(name, 0.0) for name in EMOTIONS]
    bars = [Text(_bar(share, bar_width), style="bold" if share == best else "") for share in shares]
    return [Text(row.name), now, label, *bars, state]


def _bar(share: float, width: int) -> str:
    filled = round(share * width)
    return f"{'█' * filled}{'░' * (width - filled)} {_percent(share):>5}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


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


def _printable(text: str) -> str:
    """``text`` in one line and without what moves a terminal's cursor: names come from strangers."""
    kept = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(kept.split())
