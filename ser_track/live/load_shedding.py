"""Sheds load when the tick takes too long: first all provisional results, then their rate; never final results."""

from typing import Final

_SMOOTHING_S: Final = 0.5
_TOO_BUSY: Final = 0.85
_AT_EASE: Final = 0.6
_STEP_UP_S: Final = 0.5
_STEP_DOWN_S: Final = 2.0
MAX_STEP: Final = 6
"""Steps: at the last one provisional results are 64 times rarer, which is almost never."""


class LoadShedding:
    """Measures how busy the tick is, and limits the provisional results of the next one.

    At once: a late tick makes no provisional results. They wait, and newer ones replace them. Over time: while ticks
    take most of their period, each half second doubles the number of ticks that share one provisional result. When
    ticks are short again, every two seconds undo one step. It has no clock: it adds up the times that `note` gets.
    """

    def __init__(self, period_s: float, provisional_per_tick: int) -> None:
        """``provisional_per_tick`` is the limit when there is enough time."""
        self.step = 0
        """0 means that everything runs as configured."""
        self.busy = 0.0
        """Share of the time that recent ticks took."""
        self._period_s = period_s
        self._most = provisional_per_tick
        self._since_step_s = 0.0
        self._ticks = 0
        self._late = False

    def note(self, took_s: float) -> bool:
        """Record that a tick took ``took_s``; returns whether that was too long."""
        self._late = took_s > self._period_s
        passed_s = max(took_s, self._period_s)
        self.busy += (took_s / passed_s - self.busy) * min(1.0, passed_s / _SMOOTHING_S)
        self._since_step_s += passed_s
        if self.busy > _TOO_BUSY:
            if self.step < MAX_STEP and self._since_step_s >= _STEP_UP_S:
                self.step, self._since_step_s = self.step + 1, 0.0
        elif self.busy > _AT_EASE:
            self._since_step_s = min(self._since_step_s, _STEP_UP_S)
        elif self.step and self._since_step_s >= _STEP_DOWN_S:
            self.step, self._since_step_s = self.step - 1, 0.0
        return self._late

    def provisional_limit(self) -> int:
        """How many provisional results the next tick may make."""
        self._ticks += 1
        if self._late:
            return 0
        if not self.step:
            return self._most
        return 0 if self._ticks % (1 << self.step) else 1
