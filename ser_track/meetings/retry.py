"""The wait before another attempt to join a lost meeting: it grows, and is random so that bots spread out."""

import random
from collections.abc import Callable
from typing import Final

FIRST_WAIT_S: Final = 0.5
MAX_WAIT_S: Final = 30.0


class Backoff:
    """Doubles up to half a minute. Each wait is random within the upper half, so that many bots do not come at once."""

    def __init__(self, dice: Callable[[], float] = random.random) -> None:
        """``dice`` returns numbers from 0 to 1."""
        self._dice = dice
        self._longest_s = FIRST_WAIT_S

    def next_s(self) -> float:
        """The next wait, in seconds."""
        wait_s = self._longest_s * (0.5 + 0.5 * self._dice())
        self._longest_s = min(MAX_WAIT_S, 2 * self._longest_s)
        return wait_s
