"""What is reported: unweighted average recall with its interval over speakers, and the calibration error."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.types import EMOTIONS, FloatArray

_BINS: Final = 15
_DRAWS: Final = 2000

Labels = NDArray[np.int64]


def recalls(labels: Labels, predicted: Labels) -> NDArray[np.float64]:
    """[class]: the share of each class that was recognised."""
    return np.array([np.mean(predicted[labels == i] == i) for i in range(len(EMOTIONS))])


def uar(labels: Labels, predicted: Labels) -> float:
    """Unweighted average recall, from 0 to 1."""
    return float(recalls(labels, predicted).mean())


def interval(labels: Labels, predicted: Labels, speakers: NDArray[np.str_]) -> tuple[float, float]:
    """95 % bootstrap interval of the UAR: whole speakers are drawn, since one speaker's clips are alike."""
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(speakers == name) for name in np.unique(speakers)]
    scores = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        scores.append(uar(labels[drawn], predicted[drawn]))
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def calibration_error(labels: Labels, probabilities: FloatArray) -> float:
    """Expected calibration error of the winning class over 15 bins of equal width (Guo et al. 2017)."""
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    gaps = [abs(hit[bins == i].sum() - confidence[bins == i].sum()) for i in range(_BINS)]
    return float(sum(gaps) / len(labels))


def report(labels: Labels, probabilities: FloatArray, speakers: NDArray[np.str_]) -> dict[str, object]:
    """All figures of one condition, rounded for the record."""
    predicted = probabilities.argmax(axis=1)
    low, high = interval(labels, predicted, speakers)
    return {
        "clips": len(labels),
        "speakers": len(np.unique(speakers)),
        "uar": round(uar(labels, predicted), 4),
        "uar_95": [round(low, 4), round(high, 4)],
        "accuracy": round(float(np.mean(predicted == labels)), 4),
        "recall": dict(zip(EMOTIONS, recalls(labels, predicted).round(4).tolist(), strict=True)),
        "ece": round(calibration_error(labels, probabilities), 4),
    }
