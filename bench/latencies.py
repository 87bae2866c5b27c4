"""How long results take until they arrive at an observer."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from bench.caller import Caller
from ser_track.config.schema import WINDOW_S, PipelineConfig

_CLOSING_S: Final = math.ceil(PipelineConfig().end_silence_s / WINDOW_S) * WINDOW_S
_NOT_LIMITED_S: Final = 9.9
"""Longer segments were cut at their limit, not by silence."""


class Period(NamedTuple):
    """The time over which is measured, on the monotonic clock."""

    begun: float
    ended: float


def latencies(callers: Iterable[Caller], observers: Iterable[Caller], period: Period) -> dict[str, Any]:
    """Events by type, and latencies in milliseconds, over everyone who received events.

    Finals: from the close of a segment to its final event, during the whole call. Provisional results: their age on
    arrival, during ``period``, which is the time since the last sound that they are about was spoken.
    """
    by_id = {caller.id: caller for caller in callers}
    received = [each for observer in observers for each in observer.received]
    finals = [
        1000 * (age_s - _CLOSING_S)
        for _, age_s, event in _emotions(received, by_id)
        if event["final"] and event["end_s"] - event["start_s"] < _NOT_LIMITED_S
    ]
    ages = [
        1000 * age_s
        for arrived, age_s, event in _emotions(received, by_id)
        if not event["final"] and period.begun <= arrived <= period.ended
    ]
    types = [event["type"] for _, event in received]
    return {
        "events": {kind: types.count(kind) for kind in sorted(set(types))},
        "events_final": sum(event["type"] == "emotion" and event["final"] for _, event in received),
        "events_final_expected": sum(kind["type"] == "speech_ended" and kind["classified"] for _, kind in received),
        "faults": types.count("error"),
        **_percentiles("final_latency_ms", finals, (50, 95, 99)),
        "final_latency_ms_allowed_p95": 150,
        "provisional_received": len(ages),
        **_percentiles("provisional_age_ms", ages, (50, 95)),
    }


def _emotions(
    received: Iterable[tuple[float, dict[str, Any]]], callers: dict[str, Caller]
) -> Iterator[tuple[float, float, dict[str, Any]]]:
    """Results with when they arrived, and how long after their end was spoken."""
    for arrived, event in received:
        if event["type"] == "emotion" and event["participant"] in callers:
            yield arrived, arrived - callers[event["participant"]].moment(event["end_s"]), event


def _percentiles(name: str, values: list[float], which: tuple[int, ...]) -> dict[str, float | None]:
    if not values:
        return {f"{name}_p{each}": None for each in which}
    found = np.percentile(values, which)
    return {f"{name}_p{each}": round(float(value), 1) for each, value in zip(which, found, strict=True)}
