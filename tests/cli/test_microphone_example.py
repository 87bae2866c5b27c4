"""The example that users start from, run as they run it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "microphone.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLE), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_it_hears_a_file_as_it_would_a_microphone() -> None:
    done = run("--file", "tests/data/spoken.wav")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 3  # the three segments that are long enough
    for line in lines:
        shares = [int(part.split()[1]) for part in line.split("  ")]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=2)


def test_without_a_microphone_it_says_what_to_do() -> None:
    done = run()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "--with sounddevice" in done.stderr or "--file" in done.stderr or "libportaudio2" in done.stderr
