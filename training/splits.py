"""Draws the speakers for training, validation and test, once: `python -m training.splits`.

The result is committed (`splits/`): the draw is the record, this module only shows how it came about. CREMA-D's
speakers are balanced by sex; nothing is known of EmoGator's contributors. No result was looked at.
"""

import csv
import json
import random
from pathlib import Path
from typing import Final

from training.corpora import ALL_EMOTIONS, CORPORA, TERMS, joined, read_clips

_FOLDER: Final = Path(__file__).parent / "splits"
SEED: Final = 20221
TEST_PER_SEX: Final = 10
VALIDATION_PER_SEX: Final = 8
CONTRIBUTORS: Final = 40
"""Of EmoGator, each for validation and for test."""


def read_splits(corpus: str = "cremad") -> dict[str, list[str]]:
    """{"train" | "validation" | "test": speakers}; of a corpus without a split, all speakers are for training."""
    path = _FOLDER / f"{corpus}.json"
    if corpus not in TERMS:
        return dict(joined(corpus)["speakers"])
    if not path.exists():
        return {"train": sorted({clip.speaker for clip in read_clips(corpus, len(ALL_EMOTIONS))})}
    loaded: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["speakers"]
    return loaded


def draw_cremad() -> dict[str, list[str]]:
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


def draw_emogator() -> dict[str, list[str]]:
    """Draw the three groups from all contributors."""
    speakers = sorted({clip.speaker for clip in read_clips("emogator", len(ALL_EMOTIONS))})
    random.Random(SEED).shuffle(speakers)
    test, validation = speakers[:CONTRIBUTORS], speakers[CONTRIBUTORS : 2 * CONTRIBUTORS]
    return {"test": sorted(test), "validation": sorted(validation), "train": sorted(speakers[2 * CONTRIBUTORS :])}


def main() -> None:
    """Write the split files."""
    _FOLDER.mkdir(exist_ok=True)
    for corpus, title, balance, drawn in (
        ("cremad", "CREMA-D", "sex", draw_cremad()),
        ("emogator", "EmoGator", "", draw_emogator()),
    ):
        record = {"corpus": title, "seed": SEED, "balanced_by": balance, "speakers": drawn}
        (_FOLDER / f"{corpus}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(corpus, {name: len(speakers) for name, speakers in drawn.items()})


if __name__ == "__main__":
    main()
