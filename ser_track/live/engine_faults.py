"""Turns errors of the engine into events of the streams that they concern, not too many of them."""

import logging
import math
import time
from collections.abc import Collection, Iterable
from typing import Final

from ser_track.event_types import EngineEvent, Fault, StreamKey

log = logging.getLogger(__name__)
_INTERVAL_S: Final = 5.0


class EngineFaults:
    """Used by one thread."""

    def __init__(self, present: Collection[StreamKey]) -> None:
        """``present`` are the open streams, now and later: others are forgotten."""
        self._present = present
        self._told_at: dict[StreamKey, float] = {}

    def of(self, keys: Iterable[StreamKey], error: Exception) -> list[EngineEvent]:
        """The faults to report, rate-limited to one per stream: a broken engine fails in every tick."""
        now = time.monotonic()
        news = [key for key in keys if now - self._told_at.get(key, -math.inf) > _INTERVAL_S]
        if news:
            log.error("the engine failed", exc_info=error)
        known = {key: at for key, at in self._told_at.items() if key in self._present}
        self._told_at = known | dict.fromkeys(news, now)
        return [Fault(key, "engine_failed", str(error)) for key in news]
