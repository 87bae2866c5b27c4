"""Writes the tables of `README.md` and of the model's card from the JSON records: `python -m training.tables`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from training.evaluate import RESULTS_FILE
from training.train import SELECTION_FILE

_README: Final = Path(__file__).parent / "README.md"
_CARD: Final = Path(__file__).parents[1] / "ser_track" / "models" / "CARD.md"
_TITLES: Final = {
    "raw": "whole file",
    "trimmed": "cut by the VAD, as in a call",
    "start": "the first 0.5 to 3 s of that cut",
    "opus_16k": "Opus at 16 kb/s, cut",
    "gain_-20_db": "20 dB softer, then rounded to 16 bits, cut",
    "gain_+20_db": "20 dB louder, clipped at 16 bits, cut",
}
_HEADER: Final = (
    "| speakers and condition | UAR (95 % interval) | accuracy | ECE | anger | happiness | sadness | neutral |\n"
    "|---|---|---|---|---|---|---|---|"
)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _row(title: str, figures: Mapping[str, Any]) -> str:
    low, high = figures["uar_95"]
    cells = [f"**{_percent(figures['uar'])}** ({_percent(low)} to {_percent(high)})", _percent(figures["accuracy"])]
    cells += [f"{figures['ece']:.3f}", *(_percent(value) for value in figures["recall"].values())]
    return f"| {title} | " + " | ".join(cells) + " |"


def results_table(results: Mapping[str, Any], full: bool) -> str:
    """Rows of `results.json`; the float32 model and the listeners only where `full`."""
    rows = [_row(f"CREMA-D test, {_TITLES[name]}", of) for name, of in results["cremad_test"].items()]
    if full:
        float32, heard = results["cremad_test_fp32"], results["cremad_test_against_listeners"]
        rows += [_row(f"the same in float32, {_TITLES[name]}", of) for name, of in float32.items()]
        rows += [_row("CREMA-D test, against what listeners heard, whole file", heard["raw"])]
    for corpus, title in (("ravdess", "RAVDESS"), ("javanese", "Javanese")):
        rows += [_row(f"{title}, {_TITLES[name]}", of) for name, of in results[corpus].items()]
    return "\n".join([_HEADER, *rows])


def folds_table(results: Mapping[str, Any]) -> str:
    """Mean over five folds of the recipe, in each view."""
    of = results["cremad_folds_of_the_recipe"]
    return "\n".join(
        ["| view | UAR, mean of five folds |", "|---|---|"]
        + [
            f"| {_TITLES.get(view, 'that cut after Opus at 16 kb/s')} | {_percent(of[view]['uar_mean'])} |"
            for view in of
        ]
    )


def selection_table(selection: Mapping[str, Any]) -> str:
    """One row for each candidate, by round."""
    lines = [
        "| round | range, pooling, blocks, views, C | validation: whole, cut, start, Opus | Javanese: whole, cut |",
        "|---|---|---|---|",
    ]
    for number, rows in enumerate(selection["rounds"], start=1):
        for row in rows:
            blocks = "+".join(map(str, row["blocks"]))
            what = f"{row['range_db']:.0f} dB, {row['pool']}, {blocks}, {', '.join(row['views'])}, {row['c']}"
            validation = ", ".join(_percent(value) for value in row["validation"].values())
            javanese = ", ".join(_percent(row["javanese"][view]) for view in ("raw", "trimmed"))
            lines.append(f"| {number} | {what} | {validation} | {javanese} |")
    return "\n".join(lines)


def _fill(path: Path, name: str, table: str) -> None:
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, n = pattern.subn(lambda found: f"{found[1]}{table}\n{found[2]}", path.read_text(encoding="utf-8"))
    if n != 1:
        raise SystemExit(f"{path.name} needs exactly one place marked '{name}', not {n}")
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Fill the marked places of both pages."""
    selection = json.loads(SELECTION_FILE.read_text(encoding="utf-8"))
    results = json.loads(RESULTS_FILE.read_text(encoding="utf-8"))
    _fill(_README, "selection", selection_table(selection))
    _fill(_README, "results", results_table(results, full=True))
    _fill(_README, "folds", folds_table(results))
    _fill(_CARD, "results", results_table(results, full=False))


if __name__ == "__main__":
    main()
