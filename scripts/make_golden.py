"""Writes tests/data/spoken.events.jsonl, which the golden test compares with: `uv run python scripts/make_golden.py`.

Run it after a change that is meant to change results (a new model, a new default), and review the diff.
"""

import sys
from contextlib import chdir
from pathlib import Path

from ser_track.cli.main import main

if __name__ == "__main__":
    # From the root, so that the stream in the events is not a path of this machine.
    with chdir(Path(__file__).parents[1]):
        sys.exit(main(["analyze", "--final-only", "--out", "tests/data/spoken.events.jsonl", "tests/data/spoken.wav"]))
