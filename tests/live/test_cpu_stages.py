"""CPU time by stage, of several threads."""

import threading
import time

from ser_track.live.cpu_stages import CpuStages


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
