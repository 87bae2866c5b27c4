"""What gives way when there is more to do than time: provisional results, then their rate, never final ones."""

from typing import Final

_SMOOTHING_S: Final = 0.5
_TOO_BUSY: Final = 0.85
_AT_EASE: Final = 0.6
_STEP_UP_S: Final = 0.5
_STEP_DOWN_S: Final = 2.0
MAX_STEP: Final = 6
"""Steps: provisional results come 64 times more seldom then, which is as good as never."""


class LoadShedding:
    """How busy the tick is, and how many provisional results the next one may make.

    At once: a tick that comes late makes none. They wait, and newer ones take their place. For longer: as long as ticks
    take most of their period, each half second doubles the number of ticks in which at most one provisional result
    is made; when they are at ease again, every two seconds take one step back. Pure; time is what `note` is told.
    """

    def __init__(self, period_s: float, provisional_per_tick: int) -> None:
        """``provisional_per_tick`` is what is made when there is time."""
        self.step = 0
        """0 is everything as configured."""
        self.busy = 0.0
        """Share of the time that ticks take, of late."""
        self._period_s = period_s
        self._most = provisional_per_tick
        self._since_step_s = 0.0
        self._ticks = 0
        self._late = False

    def note(self, took_s: float) -> bool:
        """A tick took so long; returns whether that was too long."""
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
        """How many provisional results the tick that begins now may make."""
        self._ticks += 1
        if self._late:
            return 0
        if not self.step:
            return self._most
        return 0 if self._ticks % (1 << self.step) else 1
