"""CPU time by stage, of several threads."""

import threading
import time

import numpy as np

from ser_track.chunk import WINDOW_SAMPLES, FloatArray
from ser_track.live.cpu_stages import CpuStages, TimedDetector
from ser_track.models.silero import SileroVad
from ser_track.protocols import FadingDetector, RunsDetector


def burn(seconds: float) -> None:
    """Use so much CPU time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_each_thread_counts_its_own_time_and_the_stages_add_up() -> None:
    stages = CpuStages()

    def classify() -> None:
        with stages.stage("classify"):
            burn(0.03)
            with stages.stage("classify"):
                burn(0.01)

    threads = [threading.Thread(target=classify) for _ in range(2)]
    for thread in threads:
        thread.start()
    with stages.stage("segment"):
        burn(0.02)
        with stages.stage("detect"):
            burn(0.04)
    for thread in threads:
        thread.join()
    assert stages.cpu_s["detect"] >= 0.04
    assert stages.cpu_s["classify"] >= 0.08
    assert 0.02 <= stages.cpu_s["segment"] < 0.06, "the inner stage's time counts for that alone"


def test_time_outside_of_any_stage_is_counted_when_a_stage_begins() -> None:
    stages = CpuStages()

    def work() -> None:
        burn(0.02)
        with stages.stage("receive"):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert stages.cpu_s["other"] >= 0.02
    assert stages.cpu_s["receive"] < 0.02


def test_a_detector_that_is_timed_hears_and_fades_as_it_does_alone() -> None:
    heard = np.random.default_rng(1).normal(0, 0.1, (8, 5, WINDOW_SAMPLES)).astype(np.float32)

    def answers(detector: SileroVad | TimedDetector) -> FloatArray:
        states = [detector.new_state() for _ in range(5)]
        first = detector.detect_runs(heard[:4], states)
        detector.fade(states[0])
        return np.concatenate([first, detector.detect_runs(heard[4:], states)])

    detector, stages = SileroVad(), CpuStages()
    timed = answers(TimedDetector(detector, stages))
    np.testing.assert_array_equal(timed, answers(detector))
    assert stages.cpu_s["detect"] > 0
    assert isinstance(TimedDetector(detector, stages), RunsDetector)
    assert isinstance(TimedDetector(detector, stages), FadingDetector)
