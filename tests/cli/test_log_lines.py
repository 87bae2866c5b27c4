"""The log: each record is one line that is safe to show, and a flood is counted."""

import logging
import sys

import pytest

from ser_track.cli.log_lines import FloodGate, SafeFormatter


def record(message: str, *arguments: object, line: int = 1, failed: bool = False) -> logging.LogRecord:
    return logging.LogRecord(
        "ser_track", logging.WARNING, __file__, line, message, arguments, sys.exc_info() if failed else None
    )


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\x9b2Jb", "a\u202eb", "a\x85b", "a\u2028b", "a\x00b", "a\ud800b"]
)
def test_whatever_a_record_says_is_one_line_without_control_characters(text: str) -> None:
    line = SafeFormatter("%(levelname)s %(name)s: %(message)s").format(record("'%s' left", text))
    assert line.startswith("WARNING ser_track: 'a")
    assert line.isprintable()


def test_names_in_any_script_stay_as_they_are() -> None:
    names = "Zoë, 李, \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645, \U0001f469\u200d\U0001f4bb"
    assert SafeFormatter("%(message)s").format(record("%s", names)) == names


def test_no_line_of_a_traceback_looks_like_a_record() -> None:
    try:
        raise ValueError("bad\n2026-01-01 00:00:00,000 ERROR forged\x1b[2J")
    except ValueError:
        first, *others = SafeFormatter("%(message)s").format(record("failed", failed=True)).split("\n")
    assert first == "failed"
    assert len(others) >= 3
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_flood_from_one_place_is_counted_and_other_places_are_heard() -> None:
    now = 0.0
    gate = FloodGate(lambda: now)
    written = sum(gate.filter(record("accept failed")) for _ in range(65_000))
    assert written == 20
    assert gate.filter(record("something else", line=2))
    now = 11.0
    later = record("%s failed", "accept")
    assert gate.filter(later)
    assert later.getMessage() == "accept failed (64980 more like this were not logged)"
