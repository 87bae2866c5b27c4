"""How long to wait before a lost meeting is tried again: ever longer, and never all at the same moment."""

import random
from collections.abc import Callable
from typing import Final

FIRST_WAIT_S: Final = 0.5
MAX_WAIT_S: Final = 30.0


class Backoff:
    """Doubles up to half a minute; each wait is somewhere in the upper half, so that many bots do not knock at once."""

    def __init__(self, dice: Callable[[], float] = random.random) -> None:
        """``dice`` gives shares from 0 to 1."""
        self._dice = dice
        self._longest_s = FIRST_WAIT_S

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait_s = self._longest_s * (0.5 + 0.5 * self._dice())
        self._longest_s = min(MAX_WAIT_S, 2 * self._longest_s)
        return wait_s
