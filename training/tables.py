"""Writes the tables of `README.md` and of the model's card from the JSON records: `python -m training.tables`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from training.records import BASELINES_FILE, RESULTS_FILE, SHIPPED_FILE, TRIED_FILE

_FRONT_PAGE: Final = Path(__file__).parents[1] / "README.md"
_README: Final = Path(__file__).parent / "README.md"
_CARD: Final = Path(__file__).parents[1] / "ser_track" / "models" / "CARD.md"
_MODELS: Final = ("small", "base")
_CORPORA: Final = {
    "cremad_test": "CREMA-D, 20 unseen speakers",
    "javanese": "Javanese (trained on)",
    "ravdess": "RAVDESS, an unseen corpus",
}
_HOW: Final = {"alone": "each clip alone", "in_call": "in call order (`--adapt`)"}
Record = Mapping[str, Any]


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def results(record: Record) -> str:
    """Four and six emotions, each corpus alone and in call order, both models."""
    rows = []
    for corpus, title in _CORPORA.items():
        for how, words in _HOW.items():
            for name in _MODELS:
                for kind in ("four", "six"):
                    if (of := record[name][corpus][how].get(kind)) is None:
                        continue
                    low, high = of["uar_95"]
                    score = f"**{_percent(of['uar'])}** ({_percent(low)} to {_percent(high)})"
                    recall = ", ".join(f"{emotion[:3]} {_percent(share)}" for emotion, share in of["recall"].items())
                    rows.append([f"{title}, {words}", name, kind, score, f"{of['ece']:.3f}", recall])
    return _table(["speakers", "model", "emotions", "UAR (95 % interval)", "ECE", "recall"], rows)


def summary(record: Record) -> str:
    """UAR on the unheard corpora, for the project's first page."""
    rows = []
    for corpus in ("cremad_test", "ravdess"):
        for how, words in _HOW.items():
            cells = []
            for kind in ("four", "six"):
                for name in _MODELS:
                    of = record[name][corpus][how][kind]
                    low, high = of["uar_95"]
                    cells.append(f"**{_percent(of['uar'])}** ({_percent(low)} to {_percent(high)})")
            rows.append([f"{_CORPORA[corpus]}, {words}", *cells])
    return _table(["voices", *(f"`{name}`, {kind}" for kind in ("four", "six") for name in _MODELS)], rows)


def side_by_side(record: Record, section: str, path: tuple[str, ...] = (), title: str = "") -> str:
    """One row for each entry of a section, one column for each model; nested entries are left out."""

    def of(name: str) -> Record:
        found = record[name][section]
        for step in path:
            found = found[step]
        return dict(found)

    rows = [
        [entry, *(_percent(of(name)[entry]) for name in _MODELS)]
        for entry, value in of(_MODELS[0]).items()
        if isinstance(value, float)
    ]
    return _table([title, *_MODELS], rows)


def groups(record: Record) -> str:
    """UAR by what CREMA-D tells of its speakers."""
    entries = record["small"]["cremad_test"]["groups"]
    rows = [
        [
            entry,
            str(of["speakers"]),
            *(_percent(record[name]["cremad_test"]["groups"][entry]["uar"]) for name in _MODELS),
        ]
        for entry, of in entries.items()
    ]
    return _table(["group", "speakers", *_MODELS], rows)


def coverage(record: Record) -> str:
    """How many results reach a confidence, and how many of those are right."""
    rows = []
    for threshold in record["small"]["cremad_test"]["coverage"]:
        cells = [threshold]
        for name in _MODELS:
            for corpus in ("cremad_test", "ravdess"):
                of = record[name][corpus]["coverage"][threshold]
                cells.append(f"{_percent(of['coverage'])} / {_percent(of['accuracy'])}")
        rows.append(cells)
    header = ["confidence from", *(f"{name}, {corpus}" for name in _MODELS for corpus in ("CREMA-D", "RAVDESS"))]
    return _table(header, rows)


def tried(record: list[Record]) -> str:
    """Every network that was trained, with what it reached on speakers that it never heard."""
    rows = []
    for of in record:
        last = of["history"][-1]
        plan = of["plan"]
        scores = [
            ", ".join(f"{score:.1f}" for score in last[who]["1"]) if who in last else "none"
            for who in ("validation", "javanese")
        ]
        length = f"{plan['epochs']} epochs" if "epochs" in plan else f"head only, {plan['steps']} steps"
        data = "both" if plan["extra"] else "CREMA-D"
        rows.append([of["name"], plan["shape"], length, f"{plan['rate']:.0e}", data, *scores])
    return _table(["network", "student", "training", "rate", "data", "validation", "Javanese, unheard"], rows)


def baselines(record: Record) -> str:
    """The others, on the same five folds."""
    rows = [
        [name, _percent(of["uar"]), ", ".join(_percent(x) for x in of.get("by_fold", []))]
        for name, of in record.items()
    ]
    return _table(["", "UAR", "by fold"], rows)


def shipped(record: Record, kept: Record) -> str:
    """Where the files came from, and what they cost."""
    rows = []
    for name in _MODELS:
        facts = record[name]["facts"]
        of = facts["ms_for_3_s"]
        full = facts["cremad_test_fp32"]["four"]["uar"]
        rows.append(
            [name, kept[name]["network"], f"{facts['file_mb']}", f"{of['int8']}", f"{of['fp32']}", _percent(full)]
        )
    header = ["model", "network", "MB", "ms for 3 s", "ms in float32", "UAR in float32 (CREMA-D test, alone)"]
    return _table(header, rows)


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
    """Fill the marked places of both pages."""
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
    }
    if BASELINES_FILE.exists():
        tables["baselines"] = baselines(_read(BASELINES_FILE))
    for page in (_FRONT_PAGE, _README, _CARD):
        _fill(page, tables)


if __name__ == "__main__":
    main()
