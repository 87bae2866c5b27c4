"""Rate limits for messages of one sender."""

import time
from collections.abc import Callable
from typing import Final

ANSWERS_PER_S: Final = 5.0
ANSWERS_BURST: Final = 50
"""Agreements of one person: people need far fewer. Refusals are never refused."""


class Allowance:
    """A rate limit: ``burst`` messages at once, ``per_s`` on average."""

    def __init__(self, per_s: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._left = float(burst)
        self._at = now()

    def take(self) -> bool:
        """Use up one message; False if the limit is reached."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
