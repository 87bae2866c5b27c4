"""The delay before a worker that has ended is started again."""

SETTLED_S = 10.0
"""A worker that lived this long had started properly; it is restarted without delay."""
_FIRST_WAIT_S, _MAX_WAIT_S = 0.5, 30.0


class RestartDelay:
    """The wait before a restart: none at first, and longer each time that a worker ends soon after its start."""

    def __init__(self) -> None:
        self._early_ends = 0

    def wait_s(self, lived_s: float) -> float:
        """Seconds to wait after a worker that lived ``lived_s``."""
        early = self._early_ends = 0 if lived_s >= SETTLED_S else self._early_ends + 1
        return 0.0 if early <= 1 else min(_MAX_WAIT_S, _FIRST_WAIT_S * 2 ** min(early - 2, 10))
