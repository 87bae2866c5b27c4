"""A full disk: the message names the file, the reason and the remedy, and the exit code is 1."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.programs import skip_or_fail
from tests.paths import ROOT, SPOKEN

FULL = Path("/dev/full")


def failed(*arguments: str, into: Path | None = None) -> str:
    """The one line with which a command ends; its results go ``into`` a file, in place of a pipe."""
    command = [sys.executable, "-m", "ser_track", *arguments]
    with (into or Path("/dev/null")).open("wb") as out:
        done = subprocess.run(
            command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True, timeout=100, check=False
        )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(autouse=True)
def _has_a_full_device() -> None:
    if not FULL.exists():
        skip_or_fail("no /dev/full on this system")


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", str(SPOKEN)),
        ("analyze", str(SPOKEN), "--format", "csv"),
        ("analyze", str(SPOKEN), str(SPOKEN), "--jobs", "2"),
        ("classify", str(SPOKEN)),
        ("models",),
        ("listen", "--file", str(SPOKEN), "--speed", "1000", "--json"),
    ],
)
def test_standard_output_is_named(arguments: tuple[str, ...]) -> None:
    assert failed(*arguments, into=FULL) == (
        "ser-track: error: standard output cannot be written (No space left on device); "
        "make room, or name a file on another disk"
    )


def test_a_file_for_events_is_named() -> None:
    assert failed("analyze", str(SPOKEN), "--out", str(FULL)).startswith(
        "ser-track: error: /dev/full cannot be written (No space left on device); make room"
    )


@pytest.mark.parametrize("formats", ["jsonl", "csv", "vtt,html", "jsonl,png"])
def test_a_file_in_a_folder_is_named_and_nothing_half_written_stays(full_disk: Path, formats: str) -> None:
    line = failed("analyze", str(SPOKEN), "--format", formats, "--out", f"{full_disk}/")
    assert line.startswith(f"ser-track: error: {full_disk}/spoken."), line
    assert ".part" not in line
    assert "cannot be written (No space left on device); make room" in line
    assert {path.name for path in full_disk.iterdir()} == {"fill"}


@pytest.mark.parametrize("option", ["--report", "--plot"])
def test_a_document_is_named_and_the_events_are_complete(full_disk: Path, tmp_path: Path, option: str) -> None:
    suffix = {"--report": "html", "--plot": "svg"}[option]
    events = tmp_path / "events.jsonl"
    line = failed("analyze", str(SPOKEN), "--out", str(events), option, f"{full_disk}/x.{suffix}")
    assert f"{full_disk}/x.{suffix} cannot be written (No space left on device); make room" in line
    assert events.read_text().splitlines()[-1].endswith('"reason":"end"}')
