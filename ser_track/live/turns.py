"""Streams in which nobody speaks are heard less often: a few at a time, in turns. Each visit has a cost of its own."""

from typing import Final

_TOGETHER: Final = 32
"""As many are heard in the first turn before there is a second: in a small call, the thread then sleeps longer."""


class Turns:
    """Divides members into ``every`` turns, one of which each tick has. It has no clock: the caller counts ticks."""

    def __init__(self, every: int) -> None:
        """With 1, every member is heard in every tick."""
        self.now = 0
        """The turn of the present tick."""
        self._members = [0] * every

    def join(self) -> int:
        """Add a member, and return its turn."""
        turn = min(range(len(self._members)), key=lambda each: self._members[each] // _TOGETHER)
        self._members[turn] += 1
        return turn

    def leave(self, turn: int) -> None:
        """Remove a member of ``turn``."""
        self._members[turn] -= 1

    def pass_ticks(self, count: int) -> None:
        """Go on by ``count`` ticks."""
        self.now = (self.now + count) % len(self._members)

    def empty_ticks(self) -> int:
        """How many ticks, from the present one on, have no members. The first turn serves queues: it counts."""
        every = len(self._members)
        return next(n for n in range(every) if not (turn := (self.now + n) % every) or self._members[turn])
