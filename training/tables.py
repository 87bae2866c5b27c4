"""Writes the tables of `docs/model.md`, this folder's `README.md` and the model card: `python -m training.tables`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from training.records import ADAPTATION_FILE, BASELINES_FILE, CROSSFOLD_FILE, RESULTS_FILE, SHIPPED_FILE, TRIED_FILE
from training.tables_of_training import Record, baselines, crossfold, curve, percent, table, tried
from training.tables_of_voices import adaptation, bursts, drift

_MODEL_PAGE: Final = Path(__file__).parents[1] / "docs" / "model.md"
_README: Final = Path(__file__).parent / "README.md"
_CARD: Final = Path(__file__).parents[1] / "ser_track" / "models" / "CARD.md"
_MODELS: Final = ("small", "base")
_CORPORA: Final = {
    "cremad_test": "CREMA-D, 20 unseen speakers",
    "javanese": "Javanese (trained on)",
    "ravdess": "RAVDESS, an unseen corpus",
}
_HOW: Final = {
    "alone": "each clip alone",
    "in_call": "in call order (`--adapt`)",
    "in_call_half_neutral": "in a call, half neutral (`--adapt --neutral-share 0.5`)",
    "in_call_each_once": "in a call, each clip once (`--adapt --neutral-share corpus`)",
    "in_call_one_emotion": "in a call, people with one emotion each",
}


def results(record: Record) -> str:
    """Four and six emotions, each corpus alone and in call order, both models."""
    rows = []
    for corpus, title in _CORPORA.items():
        for how, words in _HOW.items():
            for name in _MODELS:
                for kind in ("four", "six"):
                    if (of := record[name][corpus].get(how, {}).get(kind)) is None:
                        continue
                    low, high = of["uar_95"]
                    score = f"**{percent(of['uar'])}** ({percent(low)} to {percent(high)})"
                    recall = ", ".join(f"{emotion[:3]} {percent(share)}" for emotion, share in of["recall"].items())
                    rows.append(
                        [
                            f"{title}, {words}",
                            name,
                            kind,
                            score,
                            f"{of['ece']:.3f}",
                            percent(of["confident_wrong"]),
                            recall,
                        ]
                    )
    header = ["speakers", "model", "emotions", "UAR (95 % interval)", "ECE", "sure and wrong", "recall"]
    return table(header, rows)


def summary(record: Record) -> str:
    """UAR on the unheard corpora, for `docs/model.md`."""
    rows = []
    for corpus in ("cremad_test", "ravdess"):
        for how, words in _HOW.items():
            if how not in record[_MODELS[0]][corpus]:
                continue  # not measured yet
            cells = []
            for kind in ("four", "six"):
                for name in _MODELS:
                    of = record[name][corpus][how][kind]
                    low, high = of["uar_95"]
                    cells.append(f"**{percent(of['uar'])}** ({percent(low)} to {percent(high)})")
            rows.append([f"{_CORPORA[corpus]}, {words}", *cells])
    return table(["voices", *(f"`{name}`, {kind}" for kind in ("four", "six") for name in _MODELS)], rows)


def side_by_side(record: Record, section: str, path: tuple[str, ...] = (), title: str = "") -> str:
    """One row for each entry of a section, one column for each model; nested entries are left out."""

    def of(name: str) -> Record:
        found = record[name][section]
        for step in path:
            found = found[step]
        return dict(found)

    rows = [
        [entry, *(percent(of(name)[entry]) for name in _MODELS)]
        for entry, value in of(_MODELS[0]).items()
        if isinstance(value, float)
    ]
    return table([title, *_MODELS], rows)


def groups(record: Record) -> str:
    """UAR by what CREMA-D tells of its speakers."""
    entries = record["small"]["cremad_test"]["groups"]
    rows = [
        [
            entry,
            str(of["speakers"]),
            *(percent(record[name]["cremad_test"]["groups"][entry]["uar"]) for name in _MODELS),
        ]
        for entry, of in entries.items()
    ]
    return table(["group", "speakers", *_MODELS], rows)


def coverage(record: Record) -> str:
    """How many results reach a confidence, and how many of those are right."""
    rows = []
    for threshold in record["small"]["cremad_test"]["coverage"]:
        cells = [threshold]
        for name in _MODELS:
            for corpus in ("cremad_test", "ravdess"):
                of = record[name][corpus]["coverage"][threshold]
                cells.append(f"{percent(of['coverage'])} / {percent(of['accuracy'])}")
        rows.append(cells)
    header = ["confidence from", *(f"{name}, {corpus}" for name in _MODELS for corpus in ("CREMA-D", "RAVDESS"))]
    return table(header, rows)


def shipped(record: Record, kept: Record) -> str:
    """Where the files came from, and what they cost."""
    rows = []
    for name in _MODELS:
        facts = record[name]["facts"]
        of = facts["ms_for_3_s"]
        full = facts["cremad_test_fp32"]["four"]["uar"]
        rows.append(
            [name, kept[name]["network"], f"{facts['file_mb']}", f"{of['int8']}", f"{of['fp32']}", percent(full)]
        )
    header = ["model", "network", "MB", "ms for 3 s", "ms in float32", "UAR in float32 (CREMA-D test, alone)"]
    return table(header, rows)


def _fill(path: Path, tables: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"<!-- (\w+) -->\n", text):
        if name in tables:
            before, rest = text.split(f"<!-- {name} -->\n", 1)
            _, after = rest.split("<!-- end -->", 1)
            text = f"{before}<!-- {name} -->\n{tables[name]}\n<!-- end -->{after}"
    path.write_text(text, encoding="utf-8")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Fill the marked places of the three pages."""
    record = _read(RESULTS_FILE)
    tables = {
        "figures": summary(record),
        "results": results(record),
        "trials": side_by_side(record, "trials", title="what a call does (CREMA-D, 20 unseen speakers, UAR)"),
        "sounds": side_by_side(record, "sounds", ("esc10",), "ESC-10, held-out fold"),
        "synthesised": side_by_side(record, "sounds", ("synthesised",), "synthesised"),
        "voices": side_by_side(record, "sounds", ("voices",), "of voices"),
        "groups": groups(record),
        "coverage": coverage(record),
        "shipped": shipped(record, _read(SHIPPED_FILE)),
        "tried": tried(_read(TRIED_FILE)),
        "curve": curve(_read(TRIED_FILE)),
    }
    tables |= {"bursts": bursts(record), "drift": drift(record)}
    if ADAPTATION_FILE.exists():
        tables |= adaptation(_read(ADAPTATION_FILE))
    if CROSSFOLD_FILE.exists():
        tables["crossfold"] = crossfold(_read(CROSSFOLD_FILE))
    if BASELINES_FILE.exists():
        tables["baselines"] = baselines(_read(BASELINES_FILE))
    for page in (_MODEL_PAGE, _README, _CARD):
        _fill(page, tables)


if __name__ == "__main__":
    main()
