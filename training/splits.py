"""Draws the CREMA-D speakers for training, validation and test, once: `python -m training.splits`.

The result is committed (`splits/cremad.json`): the draw is the record, this module only shows how it
came about. Balanced by sex; no other property of a speaker and no result was looked at.
"""

import csv
import json
import random
from pathlib import Path
from typing import Final

from training.corpora import CORPORA

SPLIT_FILE: Final = Path(__file__).parent / "splits" / "cremad.json"
SEED: Final = 20221
TEST_PER_SEX: Final = 10
VALIDATION_PER_SEX: Final = 8


def read_splits() -> dict[str, list[str]]:
    """{"train" | "validation" | "test": speakers}."""
    loaded: dict[str, list[str]] = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))["speakers"]
    return loaded


def draw() -> dict[str, list[str]]:
    """Draw the three groups from the speaker table."""
    with (CORPORA / "cremad_speakers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rng = random.Random(SEED)
    groups: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for sex in ("Female", "Male"):
        speakers = sorted(row["speaker"] for row in rows if row["sex"] == sex)
        rng.shuffle(speakers)
        groups["test"] += speakers[:TEST_PER_SEX]
        groups["validation"] += speakers[TEST_PER_SEX : TEST_PER_SEX + VALIDATION_PER_SEX]
        groups["train"] += speakers[TEST_PER_SEX + VALIDATION_PER_SEX :]
    return {name: sorted(speakers) for name, speakers in groups.items()}


def main() -> None:
    """Write the split file."""
    SPLIT_FILE.parent.mkdir(exist_ok=True)
    record = {"corpus": "CREMA-D", "seed": SEED, "balanced_by": "sex", "speakers": draw()}
    SPLIT_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print({name: len(speakers) for name, speakers in read_splits().items()})


if __name__ == "__main__":
    main()
