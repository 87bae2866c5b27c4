"""Chooses front-end, block and head, fits the head, calibrates it: `python -m training.train`.

Choices: CREMA-D validation speakers and Javanese, by the rule in `choose`. The table goes to
`selection.json`, the head to `cache/head.npz`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from ser_track.types import FloatArray
from training.features import CACHE, POOLS, RANGES_DB, VIEWS, Features, load
from training.metrics import Labels, uar
from training.splits import read_splits

SELECTION_FILE: Final = Path(__file__).parent / "selection.json"
HEAD_FILE: Final = CACHE / "head.npz"
_TOLERANCE: Final = 0.01
_HEARD_LIVE_AND_IN_FILES: Final = ("raw", "trimmed")


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to make the model."""

    range_db: float = 80.0
    pool: str = "all"
    blocks: tuple[int, ...] = (3,)
    views: tuple[str, ...] = VIEWS
    c: float = 0.001


class Head(NamedTuple):
    """Standardisation, regression and temperature folded into one layer: weight [1024 per block, 4], bias [4]."""

    weight: FloatArray
    bias: FloatArray

    def logits(self, values: FloatArray) -> FloatArray:
        """[clips, features] → [clips, 4]."""
        return values @ self.weight + self.bias


def select(
    features: Features, speakers: Sequence[str], choice: Choice, views: Sequence[str]
) -> tuple[FloatArray, Labels]:
    """([clips * views, 1024 per block], [clips * views]) of some speakers in some views."""
    rows = np.isin(features.speakers, list(speakers))
    columns = [VIEWS.index(view) for view in views]
    layers = [block - 1 for block in choice.blocks]
    values = features.values[rows][:, columns][:, :, layers, POOLS.index(choice.pool)]
    return values.reshape(len(values) * len(columns), -1), np.repeat(features.labels[rows], len(columns))


def fit(values: FloatArray, labels: Labels, c: float) -> Head:
    """Standardise and fit a multinomial logistic regression in which each class weighs the same."""
    mean, deviation = values.mean(axis=0), values.std(axis=0) + 1e-6
    regression = LogisticRegression(C=c, max_iter=2000, class_weight="balanced", tol=1e-3)
    regression.fit((values - mean) / deviation, labels)
    weight = regression.coef_.T / deviation[:, None]
    return Head(weight.astype(np.float32), (regression.intercept_ - mean @ weight).astype(np.float32))


def temperature(logits: FloatArray, labels: Labels) -> float:
    """The divisor of the logits that makes the labels most likely (Guo et al. 2017)."""

    def loss(log_t: float) -> float:
        return -float(log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def score(choice: Choice, cremad: Features, javanese: Features, splits: dict[str, list[str]]) -> dict[str, object]:
    """Fit on the training speakers; UAR in each view on validation speakers and Javanese ones."""
    head = fit(*select(cremad, splits["train"], choice, choice.views), choice.c)

    def uar_of(features: Features, speakers: Sequence[str], view: str) -> float:
        values, labels = select(features, speakers, choice, [view])
        return uar(labels, head.logits(values).argmax(axis=1))

    others = np.unique(javanese.speakers).tolist()
    validation = {view: round(uar_of(cremad, splits["validation"], view), 4) for view in VIEWS}
    unheard = {view: round(uar_of(javanese, others, view), 4) for view in VIEWS}
    return {**asdict(choice), "validation": validation, "javanese": unheard}


def _mean(row: dict[str, object], corpus: str) -> float:
    scores = row[corpus]
    assert isinstance(scores, dict)
    return float(np.mean([scores[view] for view in _HEARD_LIVE_AND_IN_FILES]))


def choose(rows: list[dict[str, object]]) -> dict[str, object]:
    """Of all within 1 point of the best on validation speakers, the best on Javanese; raw and trimmed averaged."""
    best = max(_mean(row, "validation") for row in rows)
    close = [row for row in rows if _mean(row, "validation") >= best - _TOLERANCE]
    return max(close, key=lambda row: _mean(row, "javanese"))


def _as_choice(row: dict[str, object]) -> Choice:
    chosen: dict[str, Any] = {name: row[name] for name in Choice.__slots__}
    return Choice(**chosen)


def search(corpora: dict[float, tuple[Features, Features]]) -> tuple[list[list[dict[str, object]]], Choice]:
    """Four short rounds: front-end and pooling; blocks; what to train on; how strongly to regularise."""
    splits, rounds, chosen = read_splits(), [], Choice()
    for stage in range(4):
        rounds.append([score(choice, *corpora[choice.range_db], splits) for choice in _candidates(stage, chosen)])
        chosen = _as_choice(choose(rounds[-1]))
        print(f"round {stage + 1}: {chosen}", flush=True)
    return rounds, chosen


def _candidates(stage: int, chosen: Choice) -> list[Choice]:
    if stage == 0:
        return [Choice(range_db, pool) for range_db in RANGES_DB for pool in POOLS]
    if stage == 1:
        return [replace(chosen, blocks=blocks) for blocks in ((1,), (2,), (3,), (2, 3), (1, 2, 3))]
    if stage == 2:
        return [replace(chosen, views=VIEWS[:n]) for n in (1, 2, 3, 4)]
    return [replace(chosen, c=c) for c in (0.0001, 0.0003, 0.001, 0.003, 0.01)]


def main() -> None:
    """Choose, fit, calibrate, and write the table and the head."""
    corpora = {range_db: (load("cremad", range_db), load("javanese", range_db)) for range_db in RANGES_DB}
    rounds, chosen = search(corpora)
    splits, (cremad, _) = read_splits(), corpora[chosen.range_db]
    head = fit(*select(cremad, splits["train"], chosen, chosen.views), chosen.c)
    values, labels = select(cremad, splits["validation"], chosen, _HEARD_LIVE_AND_IN_FILES)
    t = temperature(head.logits(values), labels)
    np.savez(HEAD_FILE, weight=head.weight / np.float32(t), bias=head.bias / np.float32(t))
    record = {"chosen": asdict(chosen), "temperature": round(t, 4), "rounds": rounds}
    SELECTION_FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
