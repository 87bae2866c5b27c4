"""The example that users start from, run as they run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.microphones import without_microphones
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "microphone.py"


def run(
    *arguments: str, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    command, settings = [sys.executable, str(EXAMPLE), *arguments], os.environ | (environment or {})
    return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, timeout=60, check=False)


def test_it_hears_a_file_as_it_would_a_microphone() -> None:
    done = run("--file", "tests/data/spoken.wav")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 3  # the three segments that are long enough
    for line in lines:
        shares = [int(part.split()[1]) for part in line.split("  ")]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=2)


def test_without_a_microphone_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(environment=without_microphones(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("or use --file FILE\n")


@pytest.mark.parametrize("option", ["--file", "--config"])
def test_a_missing_file_is_one_line_and_no_traceback(tmp_path: Path, option: str) -> None:
    arguments = {"--file": str(ROOT / "tests" / "data" / "spoken.wav"), option: "gone"}
    done = run(*(word for pair in arguments.items() for word in pair), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("gone")
    assert "does not exist" in line


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    done = run("--file", str(ROOT / "tests" / "data" / "spoken.wav"), cwd=tmp_path)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 3)
