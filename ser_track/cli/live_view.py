"""The view of a call in a terminal: a live row for each participant. Elsewhere: a line for each final result."""

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ser_track.cli.live_rows import Row, words_of
from ser_track.event_types import Emotion, EncodedEvent, Event, Fault, Joined, MeetingChanged, Notice
from ser_track.labels import FOUR, LabelSet
from ser_track.safe_text import printable

LIMITS: Final = "How voices sound to a model of acted speech. Often wrong; not what anyone feels."
LEARNING_NOTE: Final = "Learning this voice: the numbers are first impressions, from too little speech."
_REFRESHES_PER_S: Final = 8
_NAME_WIDTH: Final = 12
"""In 80 columns; more where there is more room."""
_NOW_WIDTH: Final = len("speaks")
_MAX_LABEL_WIDTH: Final = 20
_MAX_BAR_WIDTH: Final = 12
_NUMBER_WIDTH: Final = len(" 100%")
_STATE_WIDTH: Final = len("not analysed")
_REST_HEIGHT: Final = 8
"""Lines that are not rows: title, column heads, and messages."""


class LiveView:
    """Takes the events of any number of participants and shows who they are, who speaks, and how it sounds.

    On a terminal a table is drawn in place while the context is open, and its last state stays. Elsewhere each final
    result, and each fault, is one line without control codes. May be used from several threads.
    """

    def __init__(self, console: Console | None = None, title: str = "", labels: LabelSet = FOUR) -> None:
        """Write to ``console``, by default stdout; ``title`` is shown above the table, ``labels`` are the model's."""
        # FORCE_COLOR is ignored: a file or pipe must not get control codes.
        self._console = console or Console(force_terminal=sys.stdout.isatty())
        self._drawn = self._console.is_terminal and not self._console.is_dumb_terminal
        self._title = printable(title)
        self._labels = labels
        self._rows: dict[str, Row] = {}
        self._events = 0
        self._trouble = ""
        self._said = ""
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
        """Draw the last state, which stays on the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def put(self, event: EncodedEvent) -> None:
        """Show ``event``. A participant who was not announced is shown by their id."""
        match event.event:
            case Notice(text=text):
                self.say(text)
            case MeetingChanged(state=state, reason=reason):
                if state != "left":  # the caller reports the reason: leaving may have been requested
                    self.say(state if reason is None else f"{state}: {reason}")
            case of_stream:
                self._show(of_stream)

    def _show(self, event: Event) -> None:
        with self._lock:
            self._note(event)
            line = None if self._drawn else self._line(event)
        if line is not None:
            self._tell(line)

    def say(self, text: str) -> None:
        """Show a line about the whole meeting, until the next one."""
        with self._lock:
            self._said = printable(text)
        if not self._drawn:
            self._console.print(self._said, markup=False, highlight=False, soft_wrap=True)

    def _note(self, event: Event) -> None:
        key = event.key
        row = self._rows.get(key.participant)
        if row is None or row.stream != key.stream:  # never mix two streams of a person
            name, state = (printable(key.participant), "analysed") if row is None else (row.name, row.state)
            row = self._rows[key.participant] = Row(name, key.stream, state)
        self._events += 1
        row.heard = self._events
        row.note(event)
        if isinstance(event, Joined):
            row.name = printable(event.name)
            self._rows = {who: each for who, each in self._rows.items() if each.state != "left"}
        if isinstance(event, Fault):
            self._trouble = f"{row.name}: {printable(event.message)}"

    def _line(self, event: Event) -> str | None:
        name = self._rows[event.key.participant].name
        if isinstance(event, Fault):
            return f"{name}: error: {printable(event.message)}"
        if not isinstance(event, Emotion) or not event.final:
            return None
        labels = self._labels
        each = ((label.title, event.probabilities.get(label.name, 0.0)) for label in labels.shown_labels)
        shares = ", ".join(f"{title} {100 * share:.0f}%" for title, share in each)
        words = words_of(event.label, event.voice_known, labels)
        return f"{name}  {event.start_s:.1f} to {event.end_s:.1f} s  {words}  ({shares})"

    def _tell(self, line: str) -> None:
        if not self._limits_told:
            self._limits_told = True
            self._tell(LIMITS)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _render(self) -> Group:
        with self._lock:
            shown, hidden = self._most_recent()
            table, bar_width, learning = self._empty_table()
            for row in shown:
                table.add_row(*row.cells(self._labels, bar_width, learning))
            below = [Text(f"and {hidden} more, without recent events")] if hidden else []
            trouble = [Text(self._trouble, style="red", no_wrap=True, overflow="ellipsis")] if self._trouble else []
            said = [Text(self._said)] if self._said else []
            notes = [LEARNING_NOTE, LIMITS] if any(row.learning for row in shown) else [LIMITS]
            return Group(*said, table, *below, *trouble, *(Text(note, style="italic") for note in notes))

    def _empty_table(self) -> tuple[Table, int, str]:
        """A table whose column widths do not depend on its content, the width of the bars, and words for `LEARNING`."""
        width = self._console.width
        name_width = _NAME_WIDTH + max(0, min(12, (width - 80) // 2))
        titles = [printable(label.title) for label in self._labels.shown_labels]
        # All the words for a voice that is still new where that leaves room for bars, else only the first one.
        for learning in (self._labels.learning.title, self._labels.learning.title.split()[0]):
            sounds = [*titles, self._labels.unsure.title, learning]
            label_width = min(_MAX_LABEL_WIDTH, max(map(len, sounds))) + len("…")
            # The width that is left for labels, after all other columns and a space between columns.
            room = max(0, width - name_width - _NOW_WIDTH - label_width - _STATE_WIDTH - len(titles) - 3)
            if bar_width := _bar_width(titles, room):
                break
        title = Text(self._title, no_wrap=True, overflow="ellipsis") if self._title else None
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        shares = _share_widths(titles, bar_width, room)
        widths = [("who", name_width), ("now", _NOW_WIDTH), ("sound", label_width), *shares, ("", _STATE_WIDTH)]
        for column, column_width in widths:
            table.add_column(Text(column), no_wrap=True, width=column_width)
        return table, bar_width, learning

    def _most_recent(self) -> tuple[list[Row], int]:
        """As many rows as there is room for, in the order of joining; and the number of hidden rows."""
        present = [row for row in self._rows.values() if row.state != "left"] or list(self._rows.values())
        room = max(1, self._console.height - _REST_HEIGHT)
        recent = {id(row) for row in sorted(present, key=lambda row: -row.heard)[:room]}
        return [row for row in present if id(row) in recent], len(present) - len(recent)


def _bar_width(titles: Sequence[str], room: int) -> int:
    """The longest bar with which every column holds its number and its title; 0 where titles must be cut anyway."""
    fitting = (
        bar_width
        for bar_width in range(_MAX_BAR_WIDTH, 0, -1)
        if sum(max(len(title), bar_width + _NUMBER_WIDTH) for title in titles) <= room
    )
    return next(fitting, 0)


def _share_widths(titles: Sequence[str], bar_width: int, room: int) -> list[tuple[str, int]]:
    """Each title with the width of its column: its own, if there is ``room`` for all of them, else an equal share."""
    least = bar_width + _NUMBER_WIDTH
    fits = sum(max(len(title), least) for title in titles) <= room
    widest = max(map(len, titles)) if fits else room // len(titles)
    return [(title, max(min(len(title), widest), least)) for title in titles]
