"""The figures of an evaluation: against sums done by hand, and what must hold of any answers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_track.evaluation import (
    Floats,
    Indices,
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    recalls,
    speaker_interval,
    unweighted_average_recall,
)

CLASSES = 4


def indices(*values: int) -> Indices:
    return np.array(values, np.int64)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Indices, Floats]:
    """Clips' true classes ``[n]`` and what was answered ``[n, 4]``."""
    count = draw(st.integers(1, 40))
    true = draw(arrays(np.int64, count, elements=st.integers(0, CLASSES - 1)))
    raw = draw(arrays(np.float64, (count, CLASSES), elements=st.floats(0.01, 1)))
    return true, raw / raw.sum(axis=1, keepdims=True)


# Six clips: class 0 three times (two found), class 1 twice (one found), class 2 once (missed), class 3 never.
TRUE = indices(0, 0, 0, 1, 1, 2)
PREDICTED = indices(0, 0, 1, 1, 3, 0)


def test_by_hand() -> None:
    confusion = confusion_matrix(TRUE, PREDICTED, CLASSES)
    assert confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert recalls(confusion)[:3] == pytest.approx([2 / 3, 1 / 2, 0])
    assert np.isnan(recalls(confusion)[3])
    assert unweighted_average_recall(confusion) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert accuracy(confusion) == pytest.approx(3 / 6)


def test_calibration_by_hand() -> None:
    # Of 15 bins, 0.45 and 0.46 fall into the seventh (0.40 … 0.467), 0.9 into the fourteenth (0.867 … 0.933).
    probabilities = np.array([[0.45, 0.35, 0.2], [0.46, 0.34, 0.2], [0.05, 0.05, 0.9]])
    true = indices(0, 1, 2)
    by_hand = (2 * abs((0.45 + 0.46) / 2 - 1 / 2) + 1 * abs(0.9 - 1)) / 3
    assert expected_calibration_error(true, probabilities) == pytest.approx(by_hand)


def test_sure_and_right_is_calibrated_sure_and_wrong_is_not() -> None:
    sure = np.eye(CLASSES)
    assert expected_calibration_error(indices(0, 1, 2, 3), sure) == 0
    assert expected_calibration_error(indices(1, 2, 3, 0), sure) == 1


def test_nothing_judged_has_no_figures() -> None:
    nothing = np.zeros((CLASSES, CLASSES), np.int64)
    for figure in (unweighted_average_recall, accuracy):
        with pytest.raises(ValueError, match="no clip"):
            figure(nothing)
    with pytest.raises(ValueError, match="no clip"):
        expected_calibration_error(indices(), np.zeros((0, CLASSES)))


@given(answers())
def test_figures_are_shares_and_belong_together(case: tuple[Indices, Floats]) -> None:
    true, probabilities = case
    confusion = confusion_matrix(true, probabilities.argmax(axis=1), CLASSES)
    assert confusion.sum() == len(true)
    assert confusion.sum(axis=1).tolist() == np.bincount(true, minlength=CLASSES).tolist()
    shares = recalls(confusion)
    assert (np.isnan(shares) == (confusion.sum(axis=1) == 0)).all()
    assert np.nanmin(shares) <= unweighted_average_recall(confusion) <= np.nanmax(shares)
    # Accuracy is the mean of the recalls too, weighted by the number of clips.
    weights = confusion.sum(axis=1) / len(true)
    assert accuracy(confusion) == pytest.approx(np.nansum(shares * weights))
    assert 0 <= expected_calibration_error(true, probabilities) <= 1


@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_clips_and_classes_does_not_matter(case: tuple[Indices, Floats], random: Any) -> None:
    true, probabilities = case
    order = random.sample(range(len(true)), len(true))
    renamed = np.array(random.sample(range(CLASSES), CLASSES))
    predicted = probabilities.argmax(axis=1)
    before = confusion_matrix(true, predicted, CLASSES)
    after = confusion_matrix(renamed[true[order]], renamed[predicted[order]], CLASSES)
    assert unweighted_average_recall(after) == pytest.approx(unweighted_average_recall(before))
    assert accuracy(after) == accuracy(before)
    calibration = expected_calibration_error(true, probabilities)
    assert expected_calibration_error(true[order], probabilities[order]) == pytest.approx(calibration)


@given(answers())
def test_one_bin_compares_mean_confidence_with_accuracy(case: tuple[Indices, Floats]) -> None:
    true, probabilities = case
    right = accuracy(confusion_matrix(true, probabilities.argmax(axis=1), CLASSES))
    by_hand = abs(probabilities.max(axis=1).mean() - right)
    assert expected_calibration_error(true, probabilities, bins=1) == pytest.approx(by_hand)
    assert expected_calibration_error(true, probabilities) >= by_hand - 1e-12  # finer bins hide less


@given(st.lists(answers(), min_size=2, max_size=6))
def test_the_interval_is_the_same_each_time_and_within_what_speakers_reach(cases: list[tuple[Indices, Floats]]) -> None:
    confusions = np.stack([confusion_matrix(true, p.argmax(axis=1), CLASSES) for true, p in cases])
    low, high = speaker_interval(confusions, draws=200)
    assert (low, high) == speaker_interval(confusions, draws=200)
    shares = recalls(confusions)
    assert np.nanmin(shares) - 1e-12 <= low <= high <= np.nanmax(shares) + 1e-12


def test_speakers_who_are_alike_leave_no_doubt() -> None:
    alike = np.stack([confusion_matrix(TRUE, PREDICTED, CLASSES)] * 5)
    assert speaker_interval(alike) == pytest.approx([float(unweighted_average_recall(alike[0]))] * 2)


def test_half_the_speakers_right_and_half_wrong_by_hand() -> None:
    # The UAR of a draw is the share of right speakers in it: binomial, so for 100 of them about 0.5 ± 1.96 * 0.05.
    right, wrong = np.diag([1, 1, 1, 1]), np.roll(np.diag([1, 1, 1, 1]), 1, axis=1)
    low, high = speaker_interval(np.stack([right] * 50 + [wrong] * 50))
    assert low == pytest.approx(0.402, abs=0.015)
    assert high == pytest.approx(0.598, abs=0.015)


def test_one_speaker_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two"):
        speaker_interval(np.ones((1, CLASSES, CLASSES), np.int64))
