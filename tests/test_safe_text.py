"""Text that strangers chose, in terminals: names of files, names of people, texts of errors."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ser_track.safe_text import SafeStream, printable, shown_on
from tests.paths import ROOT, SPOKEN

EVIL = "a\x1b[2J\x1b]0;owned\x07\x9b2J\u202eb"


def on_terminal(*arguments: str, cwd: Path) -> str:
    """What a terminal gets from a command of ours, errors included; line ends as the program wrote them."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "500"}
    command = [sys.executable, "-m", "ser_track", *arguments]
    with subprocess.Popen(command, cwd=cwd, env=environment, stdout=theirs, stderr=theirs, stdin=theirs):
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 65_536):
                seen += piece
        except OSError:  # the program has ended
            pass
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def safe(text: str) -> bool:
    return all(character.isprintable() or character in "\n\t" for character in text)


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", f"{EVIL}.wav"],
        ["analyze", "--format", "csv", f"{EVIL}.wav"],
        ["analyze", "--format", "vtt", f"{EVIL}.wav"],
        ["analyze", "--jobs", "2", f"{EVIL}.wav", f"{EVIL}.wav"],
        ["classify", f"{EVIL}.wav", f"{EVIL}.gone"],
        ["classify", "--json", f"{EVIL}.wav"],
        ["analyze", f"{EVIL}.gone"],
        ["analyze", f"{EVIL}*"],
        ["analyze", "--format", EVIL, "x.wav"],
        ["analyze", "x.wav", f"--{EVIL}"],
        ["--config", f"{EVIL}.json", "models"],
        ["evaluate", f"{EVIL}.csv"],
    ],
)
def test_no_file_name_reaches_a_terminal_with_its_escapes(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / f"{EVIL}.wav").symlink_to(SPOKEN)
    (tmp_path / f"{EVIL}.csv").write_text(f"path,emotion\n{EVIL}.gone,{EVIL}\n")
    seen = on_terminal(*command, cwd=tmp_path)
    assert safe(seen), seen
    assert "owned" in seen or "WEBVTT" in seen or "participant" in seen, "it said something"


def test_in_a_pipe_data_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / f"{EVIL}.wav").symlink_to(SPOKEN)
    command = [sys.executable, "-m", "ser_track", "analyze", "--final-only", f"{EVIL}.wav"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert {json.loads(line)["stream"] for line in done.stdout.splitlines()} == {f"{EVIL}.wav"}


def test_text_becomes_one_line_that_shows_what_was_in_it() -> None:
    assert printable("Ann\n\tB  \x1b[1m\ud800") == "Ann B \\x1b[1m\\ud800"
    assert printable("") == ""


def test_a_stream_for_a_terminal_keeps_lines_and_a_file_keeps_everything() -> None:
    file = io.StringIO()
    assert shown_on(file) is file
    SafeStream(file).write("a\tb\x1b\n")
    assert file.getvalue() == "a\tb\\x1b\n"
