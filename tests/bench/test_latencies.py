"""How old results are when they arrive."""

from array import array
from typing import Any

from bench.caller import Caller
from bench.latencies import Period, latencies


def _caller() -> Caller:
    """It sent its first packet at 100.0; 100 packets later the sender paused for half a second."""
    caller = Caller("room", id="p1")
    caller.sent_at = array("d", [100 + n * 0.02 + 0.5 * (n >= 100) for n in range(500)])
    caller.first_turn = 0
    return caller


def _emotion(end_s: float, final: bool = False, start_s: float = 0.0) -> dict[str, Any]:
    return {"type": "emotion", "participant": "p1", "final": final, "start_s": start_s, "end_s": end_s}


def test_the_age_of_a_provisional_result_is_the_time_since_its_last_sound_was_spoken() -> None:
    observer = Caller("room", received=[(101.5, _emotion(1.0)), (104.0, _emotion(3.0))])
    found = latencies([_caller()], [observer], Period(100, 110))
    assert found["provisional_received"] == 2
    assert (found["provisional_age_ms_p50"], found["provisional_age_ms_p95"]) == (500.0, 500.0)


def test_provisional_results_outside_the_measured_time_do_not_count() -> None:
    observer = Caller("room", received=[(101.5, _emotion(1.0)), (104.0, _emotion(3.0))])
    found = latencies([_caller()], [observer], Period(103, 110))
    assert found["provisional_received"] == 1
    found = latencies([_caller()], [observer], Period(105, 110))
    assert (found["provisional_received"], found["provisional_age_ms_p95"]) == (0, None)


def test_a_final_result_is_as_late_as_it_comes_after_the_silence_that_ends_its_segment() -> None:
    ended = {"type": "speech_ended", "participant": "p1", "classified": True}
    observer = Caller("room", received=[(101.6, _emotion(1.0, final=True)), (101.6, ended), (101.6, ended)])
    found = latencies([_caller()], [observer], Period(100, 110))
    assert found["final_latency_ms_p50"] == 88.0, "the silence is 16 windows of 32 ms"
    assert (found["events_final"], found["events_final_expected"], found["provisional_received"]) == (1, 2, 0)
