"""Adds a corpus of your own to training: `python -m training.join NAME MANIFEST.csv --licence "CC BY 4.0"`.

MANIFEST is as for `ser-track evaluate`: CSV with the columns path (relative to the manifest), emotion and speaker. Its
clips are prepared at once (`training.spectra`); then `--corpora cremad=0.5 NAME=0.2 …` trains on it. The licence
travels with every file that is trained on the corpus, in its metadata.
"""

import argparse
import csv
import json
import random
from pathlib import Path
from typing import Final

from training.corpora import JOINED, LABEL_OF, TERMS
from training.spectra import prepare_corpus

_SEED: Final = 20_221
_NEEDED: Final = ("path", "emotion", "speaker")


def read_rows(manifest: Path, name: str) -> tuple[list[dict[str, str]], dict[str, int]]:
    """The rows with an emotion that we know, with absolute paths; and how many rows each other emotion had."""
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        lacking = [column for column in _NEEDED if column not in (reader.fieldnames or ())]
        if lacking:
            raise SystemExit(f"{manifest} has no column {' and '.join(lacking)}; name them in its first line")
        rows, others = list[dict[str, str]](), dict[str, int]()
        for row in reader:
            emotion = row["emotion"].strip().lower()
            if emotion not in LABEL_OF:
                others[emotion] = others.get(emotion, 0) + 1
                continue
            path = (manifest.parent / row["path"].strip()).resolve()
            if not path.exists():
                raise SystemExit(f"{manifest}, line {reader.line_num}: {path} does not exist; correct the path")
            rows.append({"path": str(path), "emotion": emotion, "speaker": f"{name}_{row['speaker'].strip()}"})
    return rows, others


def drawn(speakers: list[str], validation: int, test: int) -> dict[str, list[str]]:
    """The speakers by group; no group is empty by accident."""
    if len(speakers) <= validation + test:
        raise SystemExit(f"{len(speakers)} speakers are not more than the {validation + test} held out; hold out fewer")
    mixed = random.Random(_SEED).sample(sorted(speakers), len(speakers))
    groups = {"test": mixed[:test], "validation": mixed[test : test + validation], "train": mixed[test + validation :]}
    return {group: sorted(names) for group, names in groups.items() if names}


def main() -> None:
    """Check the manifest, note it in the cache, prepare the clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="for --corpora: letters, digits, dashes")
    parser.add_argument("manifest", type=Path)
    parser.add_argument(
        "--licence", required=True, help="the terms of its owner: may you train on it, and share the result?"
    )
    parser.add_argument("--title", help="as metadata and reports name it")
    parser.add_argument("--source", default="", help="who made it, and where it is described")
    parser.add_argument("--validation", type=int, default=0, help="speakers to hold out for choices")
    parser.add_argument("--test", type=int, default=0, help="speakers to hold out for figures")
    args = parser.parse_args()
    if args.name in TERMS or not args.name.replace("-", "").isalnum():
        parser.error(f"'{args.name}' is taken, or not made of letters, digits and dashes; choose another name")
    rows, others = read_rows(args.manifest, args.name)
    speakers = drawn(sorted({row["speaker"] for row in rows}), args.validation, args.test)
    terms = {"title": args.title or args.name, "licence": args.licence, "source": args.source}
    JOINED.mkdir(parents=True, exist_ok=True)
    record = {"terms": terms, "speakers": speakers, "rows": rows}
    (JOINED / f"{args.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    counts = {group: len(names) for group, names in speakers.items()}
    print(f"{args.name}: {len(rows)} clips; speakers {counts}; left out, of other emotions: {others or 'none'}")
    prepare_corpus(args.name)


if __name__ == "__main__":
    main()
