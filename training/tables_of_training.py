"""Tables of what was trained, and of what others would use: for `training.tables`."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]


def percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tried(record: list[Record]) -> str:
    """Every network that was trained, with what it reached on speakers that it never heard."""
    rows = []
    for of in record:
        last, plan = of["history"][-1], of["plan"]
        unheard = last.get("javanese") if "javanese" not in plan.get("corpora", ()) else None
        scores = [_scores(_validation(last)), _scores(unheard)]
        length = f"{plan['epochs']} epochs" if "epochs" in plan else f"{plan['steps']} steps"
        length = length if "start" in plan else f"head only, {length}"
        helpers = [f"{kind} {plan[kind]}" for kind in ("guide", "teacher") if plan.get(kind)]
        data = ", ".join(plan["corpora"]) if "corpora" in plan else "both" if plan["extra"] else "CREMA-D"
        rows.append(
            [of["name"], length, f"{plan['rate']:g}", data, "; ".join([*helpers, *of.get("notes", [])]), *scores]
        )
    header = ["network", "training", "rate", "data", "with", "validation", "Javanese, unheard"]
    return table(header, rows)


def _validation(line: Record) -> Record:
    """CREMA-D's validation speakers; records of version 2 call them by another name."""
    found: Record = line["validation"] if "validation" in line else line["cremad"]
    return found


def _scores(found: Record | None) -> str:
    return ", ".join(f"{score:.1f}" for score in found["1"]) if found else "none"


def curve(record: list[Record]) -> str:
    """The best of each student on validation speakers, by what one answer costs."""
    best: dict[str, Record] = {}
    for of in record:
        shape = of["plan"]["shape"]
        if shape not in best or _mean_score(of) > _mean_score(best[shape]):
            best[shape] = of
    rows = []
    for shape, of in sorted(best.items(), key=lambda item: float(item[1]["gflop_for_3_s"])):
        scores = _validation(of["history"][-1])["1"]
        rows.append([shape, f"{of['gflop_for_3_s']:.2f}", of["name"], *(f"{score:.1f}" for score in scores)])
    kinds = ("four, alone", "four, adapted", "six, alone", "six, adapted")
    return table(["student", "GFLOP for 3 s", "best network", *kinds], rows)


def _mean_score(of: Record) -> float:
    scores: list[float] = _validation(of["history"][-1])["1"]
    return sum(scores) / len(scores)


def crossfold(record: Record) -> str:
    """The recipe in five folds."""
    rows = [
        [shape, title, *(f"{of['mean']:.1f} ± {of['sd_folds']:.1f} ({of['sd_seeds']:.1f})" for of in kinds.values())]
        for shape, titles in record.items()
        for title, kinds in titles.items()
    ]
    kinds = next(iter(next(iter(record.values())).values()))
    return table(["student", "test", *kinds], rows)


def baselines(record: Record) -> str:
    """The others, on the same five folds."""
    rows = [
        [name, percent(of["uar"]), ", ".join(percent(x) for x in of.get("by_fold", []))] for name, of in record.items()
    ]
    return table(["", "UAR", "by fold"], rows)
