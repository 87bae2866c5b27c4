"""The progress bar: only after two seconds, only on a terminal; failures once."""

import io
from pathlib import Path

from rich.console import Console

from ser_track.cli.console import Feedback, display_name


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bar_appears_after_two_seconds_and_leaves_no_trace_in_short_work() -> None:
    screen, clock = io.StringIO(), Clock()
    with Feedback(Console(file=screen, force_terminal=True, width=80), clock) as told:
        told.show("reading", 1, 10)
        clock.now += 1.9
        told.show("reading", 2, 10)
        assert screen.getvalue() == ""
        clock.now += 0.2
        told.show("reading", 3, 10)
        told.show("reading", 5, 10)
    assert "reading" in screen.getvalue()
    assert "%" in screen.getvalue()


def test_no_bar_where_nobody_sees_one() -> None:
    pipe, clock = io.StringIO(), Clock()
    with Feedback(Console(file=pipe), clock) as told:
        clock.now += 60
        told.show("reading", 3, 10)
        told.show("reading", 4, None)
    assert pipe.getvalue() == ""
    assert not told.failed


def test_a_failure_is_one_line_and_said_once() -> None:
    pipe = io.StringIO()
    with Feedback(Console(file=pipe, width=40)) as told:
        for _ in range(2):
            told.fail("clip [bold]a[/bold].wav is damaged\nin a way that takes more than forty columns to tell")
    assert pipe.getvalue() == (
        "ser-track: error: clip [bold]a[/bold].wav is damaged in a way that takes more than forty columns to tell\n"
    )
    assert told.failed


def test_a_name_that_is_no_text_can_be_written() -> None:
    assert display_name(Path("caf\udce9.wav")) == "caf\N{REPLACEMENT CHARACTER}.wav"
    assert display_name(Path("café.wav")) == "café.wav"


def test_what_is_said_is_no_failure() -> None:
    pipe = io.StringIO()
    with Feedback(Console(file=pipe)) as told:
        told.say("half of it\n[is] done")
        assert not told.failed
    assert pipe.getvalue() == "ser-track: half of it [is] done\n"
