"""Sheds load when classification is behind: fewer provisional results, step by step; never fewer final ones."""

from typing import Final

_LATE_FINAL_S: Final = 0.25
"""A final result waits for the job that runs, which may be a segment of ten seconds. This is longer."""
_LATE_PROVISIONAL_S: Final = 1.0
_LASTING_S: Final = 1.0
_MOSTLY: Final = 0.4
"""Share of late time, smoothed over `_LASTING_S`, from which a step is taken: after half a second of nothing else.
Several long segments that end at once are late for less than that."""
_STEP_UP_S: Final = 1.0
"""What waits when a step is taken needs this long to be worked off, so the next step is not taken before."""
_STEP_DOWN_S: Final = 2.0
_SMOOTHING_S: Final = 2.0
_FULL: Final = 0.85
MAX_STEP: Final = 6
"""At the last step one provisional result in 64 is made: in each stream, one in a minute of speech."""


class LoadShedding:
    """Decides from the age of what waits for the classifier how many provisional results are made.

    At step n, one in 2ⁿ. If for some time final results are late, or streams have waited over a second for their
    provisional ones, a step is taken. It is undone when nothing has been late for two seconds, and the classifier has
    the time for twice the provisional results that it makes. It has no clock: each call gives the time.
    """

    def __init__(self) -> None:
        self.step = 0
        """0 means that every provisional result is made."""
        self._busy = 0.0
        self._busy_with_provisional = 0.0
        self._noted_s: float | None = None
        self._stepped_s = float("-inf")
        self._late = 0.0
        self._late_s = float("-inf")
        """When something was late for the last time."""

    @property
    def one_in(self) -> int:
        """Of how many provisional results of a stream one is made."""
        return 1 << self.step

    def note(self, now: float, final_s: float, provisional_s: float, running: bool, running_provisional: bool) -> None:
        """Record the state at ``now``, in seconds: how long the oldest jobs have waited, and what is running."""
        passed_s = 0.0 if self._noted_s is None else now - self._noted_s
        self._noted_s = now
        weight = min(1.0, passed_s / _SMOOTHING_S)
        self._busy += (running - self._busy) * weight
        self._busy_with_provisional += (running_provisional - self._busy_with_provisional) * weight
        late = final_s > _LATE_FINAL_S or provisional_s > _LATE_PROVISIONAL_S
        self._late += (late - self._late) * min(1.0, passed_s / _LASTING_S)
        if late:
            self._late_s = now
            if self._late > _MOSTLY:
                self._change(now, 1, _STEP_UP_S)
        elif now - self._late_s >= _STEP_DOWN_S and self._busy + self._busy_with_provisional < _FULL:
            self._change(now, -1, _STEP_DOWN_S)

    def _change(self, now: float, by: int, after_s: float) -> None:
        if now - self._stepped_s >= after_s and 0 <= self.step + by <= MAX_STEP:
            self.step, self._stepped_s = self.step + by, now
