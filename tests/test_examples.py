"""The Python in README.md and docs/ runs as it stands, on real speech under the names that it gives to files."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ser_track.labels import EMOTIONS
from tests.helpers.example_files import copy_example_files
from tests.paths import ROOT

# Others run the rest: tests/web/test_programs.py what wants a server, and the tests of examples/plugins/ its packages.
PAGES = (
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in ("programs.md", "extending.md")),
)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples_of(page: Path) -> dict[str, str]:
    """Each block under ``page:line``."""
    text = page.read_text(encoding="utf-8")
    return {f"{page.name}:{text[: block.start()].count(chr(10)) + 1}": block[1] for block in BLOCK.finditer(text)}


EXAMPLES = {place: program for page in PAGES for place, program in examples_of(page).items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the examples find what they name."""
    copy_example_files(tmp_path)
    return tmp_path


@pytest.mark.parametrize("program", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_example_runs_as_it_stands_and_prints_emotions(program: str, folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    printed = [ast.literal_eval(shares) for shares in re.findall(r"\{'anger'.*?\}", done.stdout)]
    assert len(printed) >= 3  # spoken.wav has three segments that are long enough
    for shares in printed:
        assert tuple(shares) == EMOTIONS
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)


def test_no_example_is_passed_over() -> None:
    assert {place.split(":")[0] for place in EXAMPLES} >= {"README.md", "library.md"}
    marked = sum(page.read_text(encoding="utf-8").count("```py") for page in PAGES)
    assert marked == len(EXAMPLES)
