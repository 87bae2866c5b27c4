"""The new head: a multinomial logistic regression on the embedding, cross-validated and calibrated."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from ser_track.chunk import FloatArray
from ser_track.cli.tune.base_model import NewHead
from ser_track.cli.tune.heard import Indices, View

STRENGTHS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""scikit-learn's C, the inverse of the strength of the L2 penalty."""
_TEMPERATURES: Final = np.exp(np.linspace(-1.6, 2.0, 91))
_FOLDS: Final = 5
_TRIES: Final = 20
_DECIMALS: Final = 5
"""Of the weights in the file: the last digits of a float are noise of the optimiser."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Views of clips: which clip each row shows, and how."""

    clip: Indices
    view: View


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All that a head is learnt from and judged on."""

    labels: Indices
    n_labels: int
    evidence: FloatArray
    alone: Seen
    learnt: Seen
    """Adapted views to learn from, beside those alone."""
    called: Seen
    """Adapted views to judge, in call order; none if no speaker is known."""
    asks_how_well: bool
    """Whether the temperature may depend on how well the voice is known."""

    @property
    def judged(self) -> tuple[Seen, Seen]:
        """What heads are judged on."""
        return self.alone, self.called


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The cross-validation: probabilities ``[n, L]`` of the clips in `Material.alone` and in `Material.called`."""

    alone: Floats
    called: Floats
    n_folds: int


def folds_of(labels: Indices, speakers: Sequence[str] | None) -> Indices | None:
    """The part ``[n]`` in which each clip is judged, at most five; ``None`` if a label would be missing in the rest.

    speakers: no speaker is in two parts; ``None`` to deal out single clips.
    """
    if speakers is None:
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(labels, labels)
        return _numbered([test for _, test in folds], len(labels))
    names = np.array(speakers)
    for seed in range(_TRIES):
        count = min(_FOLDS, len(np.unique(names)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that a label has fewer clips than there are parts
            splits = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(labels, labels, names)
            fold = _numbered([test for _, test in splits], len(labels))
        if all(set(labels[fold != part]) == set(labels) for part in set(fold.tolist())):
            return fold
    return None


def _numbered(tests: Sequence[Indices], count: int) -> Indices:
    fold = np.zeros(count, np.int64)
    for number, test in enumerate(tests):
        fold[test] = number
    return fold


def cross_validated(material: Material, fold: Indices) -> tuple[Judgement, NewHead, float]:
    """Judge heads on parts that they were not learnt from, then fit one on everything; the last value is its C.

    The strength and the temperatures for a part are chosen without that part too.
    """
    parts = sorted(set(fold.tolist()))
    logits = {strength: _out_of_fold(material, fold, strength) for strength in STRENGTHS}
    alone, called = (np.empty((len(seen.clip), material.n_labels)) for seen in material.judged)
    for part in parts:
        _, strength, temperatures = _chosen(material, logits, fold != part)
        for seen, found, own in zip(material.judged, (alone, called), logits[strength], strict=True):
            rows = fold[seen.clip] == part
            found[rows] = _mixed(material, seen, own, temperatures)[rows]
    _, strength, temperatures = _chosen(material, logits, np.ones(len(fold), bool))
    weights, bias = _fitted(material, np.ones(len(fold), bool), strength)
    rounded = [np.asarray(value.round(_DECIMALS), np.float32) for value in (weights, bias)]
    return Judgement(alone, called, len(parts)), NewHead(rounded[0], rounded[1], temperatures), strength


def _out_of_fold(material: Material, fold: Indices, strength: float) -> tuple[Floats, Floats]:
    """Logits of all that is judged, each by the head that was learnt without the clip's part."""
    found = tuple(np.empty((len(seen.clip), material.n_labels)) for seen in material.judged)
    for part in sorted(set(fold.tolist())):
        weights, bias = _fitted(material, fold != part, strength)
        for seen, logits in zip(material.judged, found, strict=True):
            rows = fold[seen.clip] == part
            logits[rows] = seen.view.adapted[rows] @ weights + bias
    return found[0], found[1]


def _fitted(material: Material, kept: NDArray[np.bool_], strength: float) -> tuple[Floats, Floats]:
    """Weights ``[size, L]`` and bias ``[L]`` from the clips that are ``kept``; labels count alike, and so do clips.

    Of each clip the view alone counts as much as its adapted views together.
    """
    per_clip = np.bincount(material.learnt.clip, minlength=len(kept))
    balanced = 1 / np.bincount(material.labels[kept], minlength=material.n_labels)
    inputs, clips, shares = [], [], []
    for seen, each in ((material.alone, np.ones(len(kept))), (material.learnt, 1 / np.maximum(per_clip, 1))):
        rows = kept[seen.clip]
        inputs.append(seen.view.adapted[rows])
        clips.append(seen.clip[rows])
        shares.append(each[seen.clip[rows]])
    labels = material.labels[np.concatenate(clips)]
    weight = np.concatenate(shares) * balanced[labels] * kept.sum() / material.n_labels
    model = LogisticRegression(C=strength, max_iter=5_000)
    # Threads make so small a fit slower, and its last digits depend on their number.
    with threadpool_limits(1):
        model.fit(np.concatenate(inputs).astype(np.float64), labels, sample_weight=weight)
    weights, bias = model.coef_.T, model.intercept_
    if material.n_labels == 2:  # scikit-learn has one column then: the second label against the first
        weights, bias = weights * [-0.5, 0.5], bias * [-0.5, 0.5]
    return weights, bias


def _chosen(
    material: Material, logits: dict[float, tuple[Floats, Floats]], kept: NDArray[np.bool_]
) -> tuple[float, float, tuple[float, float]]:
    """The smallest balanced loss, the strength that has it, and the temperatures, on the clips that are ``kept``."""
    weight = 1 / np.bincount(material.labels, minlength=material.n_labels)
    found = []
    for strength, own in logits.items():
        temperatures = _temperatures(material, own, kept)
        losses = [
            _losses(material, seen, each, temperatures)[kept[seen.clip]]
            * weight[material.labels[seen.clip]][kept[seen.clip]]
            for seen, each in zip(material.judged, own, strict=True)
        ]
        found.append((float(np.concatenate(losses).mean()), strength, temperatures))
    return min(found)


def _temperatures(material: Material, logits: tuple[Floats, Floats], kept: NDArray[np.bool_]) -> tuple[float, float]:
    """With an unknown and with a known voice; one for both where the file cannot tell."""

    def best(pairs: Sequence[tuple[float, float]], judged: Sequence[int]) -> tuple[float, float]:
        def loss(pair: tuple[float, float]) -> float:
            both = [
                _losses(material, material.judged[i], logits[i], pair)[kept[material.judged[i].clip]] for i in judged
            ]
            return float(np.concatenate(both).mean())

        return min(pairs, key=loss)

    steps = _TEMPERATURES.round(4).tolist()
    if not material.asks_how_well or not len(material.called.clip):
        return best([(step, step) for step in steps], (0, 1))
    unknown, _ = best([(step, step) for step in steps], (0,))
    return best([(unknown, step) for step in steps], (1,))


def _losses(material: Material, seen: Seen, logits: Floats, temperatures: tuple[float, float]) -> Floats:
    mixed = _mixed(material, seen, logits, temperatures)
    return np.asarray(-np.log(np.maximum(mixed[np.arange(len(mixed)), material.labels[seen.clip]], 1e-9)))


def _mixed(material: Material, seen: Seen, logits: Floats, temperatures: tuple[float, float]) -> Floats:
    """The probabilities ``[n, L]`` that the file gives."""
    unknown, known = temperatures
    scaled = logits / (unknown + (known - unknown) * seen.view.known[:, None])
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True)) if len(scaled) else scaled
    return mixed(powers / powers.sum(axis=1, keepdims=True), material.evidence[seen.clip])


def mixed(shares: NDArray[np.floating], evidence: FloatArray) -> Floats:
    """``shares`` ``[n, C]`` moved towards equal ones where there is little evidence ``[n]`` of speech."""
    alike = 1 / shares.shape[1]
    return np.asarray((shares - alike) * evidence[:, None] + alike, np.float64)
