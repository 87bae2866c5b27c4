"""What is reported: unweighted average recall with its interval over speakers, and the calibration error."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.evaluation import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    recalls,
    unweighted_average_recall,
)
from ser_track.types import EMOTIONS, FloatArray

_DRAWS: Final = 2000

Labels = NDArray[np.int64]


def confusion(labels: Labels, predicted: Labels) -> Labels:
    """[class, class]: counts of true against predicted."""
    return confusion_matrix(labels, predicted, len(EMOTIONS))


def uar(labels: Labels, predicted: Labels) -> float:
    """Unweighted average recall, from 0 to 1."""
    return float(unweighted_average_recall(confusion(labels, predicted)))


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


def report(labels: Labels, probabilities: FloatArray, speakers: NDArray[np.str_]) -> dict[str, object]:
    """All figures of one condition, rounded for the record."""
    predicted = probabilities.argmax(axis=1)
    low, high = interval(labels, predicted, speakers)
    return {
        "clips": len(labels),
        "speakers": len(np.unique(speakers)),
        "uar": round(uar(labels, predicted), 4),
        "uar_95": [round(low, 4), round(high, 4)],
        "accuracy": round(accuracy(confusion(labels, predicted)), 4),
        "recall": dict(zip(EMOTIONS, recalls(confusion(labels, predicted)).round(4).tolist(), strict=True)),
        "ece": round(expected_calibration_error(labels, probabilities.astype(np.float64)), 4),
    }
