"""`scripts/advisories.py`: advisories fail it, and what could not be checked is said, never passed over."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

CLEAN = {"name": "rich", "version": "15.0.0", "vulns": []}
HIT = {"name": "av", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": []}]}
SKIPPED = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited: yarl (1.0)"}


def told(folder: Path, answer: str) -> tuple[int, list[str]]:
    """Exit code and lines, where pip-audit writes ``answer``."""
    tool = folder / "uvx"
    tool.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nprint({answer!r})\n")
    tool.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "scripts/advisories.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("found", "code", "lines"),
    [
        ([CLEAN], 0, ["advisories: 1 packages checked, 0 with advisories"]),
        ([CLEAN, HIT], 1, ["av 1.0: PYSEC-1, fixed in 1.1", "advisories: 2 packages checked, 1 with advisories"]),
    ],
)
def test_an_advisory_is_named_with_its_remedy_and_fails(
    tmp_path: Path, found: list[dict[str, Any]], code: int, lines: list[str]
) -> None:
    assert told(tmp_path, json.dumps({"dependencies": found})) == (code, lines)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (json.dumps({"dependencies": [SKIPPED]}), "Dependency not found on PyPI"),
        (json.dumps({"dependencies": [CLEAN, SKIPPED]}), "for 1 of 2 packages"),
        ("no route to host", "pip-audit said nothing"),
    ],
)
def test_what_was_not_checked_is_said_with_the_reason(tmp_path: Path, answer: str, reason: str) -> None:
    code, lines = told(tmp_path, answer)
    assert code == 0
    assert any("NOT CHECKED" in line and reason in line for line in lines), lines
