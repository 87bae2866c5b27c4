"""What is reported: unweighted average recall with its interval over speakers, and the calibration error."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import FloatArray
from ser_track.evaluation import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    recalls,
    speaker_interval,
    unweighted_average_recall,
)
from ser_track.labels import SIX_EMOTIONS

CONFIDENT: Final = 0.6
"""From this confidence on, a result that is wrong counts as confident and wrong."""
Labels = NDArray[np.int64]


def confusion(labels: Labels, predicted: Labels) -> Labels:
    """[6, 6]: counts of true against predicted; classes without a clip are in no mean."""
    return confusion_matrix(labels, predicted, len(SIX_EMOTIONS))


def uar(labels: Labels, predicted: Labels) -> float:
    """Unweighted average recall, from 0 to 1."""
    return float(unweighted_average_recall(confusion(labels, predicted)))


def interval(labels: Labels, predicted: Labels, speakers: NDArray[np.str_]) -> tuple[float, float]:
    """95 % bootstrap interval of the UAR: whole speakers are drawn, since one speaker's clips are alike."""
    own = [speakers == name for name in np.unique(speakers)]
    return speaker_interval(np.stack([confusion(labels[some], predicted[some]) for some in own]))


def report(labels: Labels, probabilities: FloatArray, speakers: NDArray[np.str_]) -> dict[str, object]:
    """All figures of one condition, rounded for the record."""
    predicted = probabilities.argmax(axis=1)
    low, high = interval(labels, predicted, speakers)
    shares = recalls(confusion(labels, predicted))
    return {
        "clips": len(labels),
        "speakers": len(np.unique(speakers)),
        "uar": round(uar(labels, predicted), 4),
        "uar_95": [round(low, 4), round(high, 4)],
        "accuracy": round(accuracy(confusion(labels, predicted)), 4),
        "recall": dict(zip(SIX_EMOTIONS[: probabilities.shape[1]], shares.round(4).tolist(), strict=False)),
        "confident_wrong": round(float(((probabilities.max(axis=1) >= CONFIDENT) & (predicted != labels)).mean()), 4),
        "ece": round(expected_calibration_error(labels, probabilities.astype(np.float64)), 4),
    }
