"""Trimming takes the detector's decisions in runs, and they are those of one window after the other."""

from collections.abc import Sequence

import numpy as np
import pytest

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.models.silero import SileroVad
from ser_track.models.trimming import voiced_part, voiced_windows
from ser_track.protocols import DetectorState
from tests.helpers.signals import noise, read_wav
from tests.paths import SPOKEN


class Runs(SileroVad):
    """The detector, which notes how it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[int] = []

    def detect(self, windows: FloatArray, states: Sequence[DetectorState]) -> FloatArray:
        raise AssertionError("a call for each window")

    def detect_run(self, windows: FloatArray, state: DetectorState) -> FloatArray:
        self.runs.append(len(windows))
        return super().detect_run(windows, state)


def test_decisions_on_real_speech_are_those_of_one_window_after_the_other() -> None:
    detector, samples = SileroVad(), read_wav(SPOKEN)
    state = detector.new_state()
    padded = np.pad(samples, (0, -len(samples) % WINDOW_SAMPLES)).reshape(-1, 1, WINDOW_SAMPLES)
    alone = np.array([detector.detect(window, [state])[0] >= 0.5 for window in padded])
    assert 0 < alone.sum() < len(alone) > 128, "several runs, with voice and without"
    assert np.array_equal(voiced_windows(detector, samples), alone)


def test_it_is_done_in_runs_of_bounded_length() -> None:
    detector = Runs()
    assert len(voiced_windows(detector, noise(300 * WINDOW_SAMPLES + 1))) == 301
    assert detector.runs == [128, 128, 45]


def test_silence_before_and_after_is_cut_off_by_whole_windows() -> None:
    detector, samples = SileroVad(), read_wav(SPOKEN)
    silence = np.zeros(10 * WINDOW_SAMPLES, np.float32)
    part = voiced_part(detector, np.concatenate([silence, samples, silence]))
    assert WINDOW_SAMPLES < len(part) <= len(samples) + WINDOW_SAMPLES


@pytest.mark.parametrize("size", [0, 1, 5_000])
def test_where_nothing_is_voiced_all_of_it_stays(size: int) -> None:
    samples = np.zeros(size, np.float32)
    assert np.array_equal(voiced_part(SileroVad(), samples), samples)
