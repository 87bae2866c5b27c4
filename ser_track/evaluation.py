"""Metrics of a classifier, as pure functions of predicted and true classes.

Classes are indices ``0 … C - 1``. A class without clips has no recall: it is NaN and is left out of means.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
_DRAWS: Final = 2_000


def confusion_matrix(true: Indices, predicted: Indices, classes: int) -> Indices:
    """Counts ``[C, C]`` of ``true`` ``[n]`` (rows) against ``predicted`` ``[n]`` (columns)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def recalls(confusion: Indices) -> Floats:
    """Share ``[..., C]`` of each class's clips that was recognised, from counts ``[..., C, C]``; NaN without clips."""
    clips = confusion.sum(axis=-1).astype(np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    shares: Floats = np.divide(hits, clips, out=np.full(clips.shape, np.nan), where=clips > 0)
    return shares


def unweighted_average_recall(confusion: Indices) -> Floats:
    """UAR ``[...]``, 0 … 1: the mean of the recalls of the classes that have clips.

    Raises:
        ValueError: there are no clips.
    """
    if not confusion.sum(axis=(-2, -1)).all():
        raise ValueError("no clip was judged, so there is no recall to average")
    return np.asarray(np.nanmean(recalls(confusion), axis=-1))


def accuracy(confusion: Indices) -> float:
    """Share of all clips that was recognised.

    Raises:
        ValueError: there are no clips.
    """
    if not confusion.sum():
        raise ValueError("no clip was judged, so there is no accuracy")
    return float(np.trace(confusion) / confusion.sum())


def expected_calibration_error(true: Indices, probabilities: Floats, bins: int = 15) -> float:
    """How far confidence is from accuracy, 0 … 1 (Guo et al. 2017).

    Clips ``[n]`` fall into ``bins`` of equal width by the winner's probability of ``probabilities`` ``[n, C]``; the
    distances between mean confidence and accuracy are averaged by the number of clips.

    Raises:
        ValueError: there are no clips.
    """
    if not len(true):
        raise ValueError("no clip was judged, so there is no calibration")
    confidence = probabilities.max(axis=1)
    surplus = confidence - (probabilities.argmax(axis=1) == true)
    bin_of = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    return float(np.abs(np.bincount(bin_of, weights=surplus, minlength=bins)).sum() / len(true))


def speaker_interval(confusions: Indices, draws: int = _DRAWS, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the UAR, from counts ``[S, C, C]`` of each speaker.

    Whole speakers are drawn, because the clips of one speaker are alike. The same input gives the same interval.

    Raises:
        ValueError: there are fewer than two speakers.
    """
    speakers = len(confusions)
    if speakers < 2:
        raise ValueError(f"{speakers} speaker(s): an interval over speakers needs at least two")
    drawn = np.random.default_rng(seed).multinomial(speakers, np.full(speakers, 1 / speakers), size=draws)
    scores = unweighted_average_recall(np.tensordot(drawn, confusions, axes=1))
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
