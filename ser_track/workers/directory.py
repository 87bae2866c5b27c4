"""Which worker has a meeting, by the meeting's id. Workers choose the ids, and the front learns them from reports."""

from collections.abc import Collection
from typing import Final, Generic, TypeVar

from ser_track.errors import NotFoundError

W = TypeVar("W")
_MAX_LOST: Final = 1_000
"""So many ids of meetings that ended with their worker are kept, so that an error can name the reason."""


class Directory(Generic[W]):
    """Only keeps records, like `Placement`."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[W, float]] = {}
        """The worker, and since when it is known to have the meeting, in seconds of the caller's clock."""
        self._lost: dict[str, None] = {}

    def note(self, meeting: str, worker: W, now: float) -> None:
        """``worker`` has reported that it has this meeting."""
        self._known[meeting] = (worker, now)

    def worker_of(self, meeting: str) -> W:
        """The worker that has the meeting with this id.

        Raises:
            NotFoundError: no worker has reported it, or its worker has ended.
        """
        if meeting in self._lost:
            raise NotFoundError(f"meeting '{meeting}' ended because its process ended; join it again")
        if (known := self._known.get(meeting)) is None:
            raise NotFoundError.of_meeting(meeting)
        return known[0]

    def of(self, worker: W) -> list[str]:
        """The ids of the meetings that ``worker`` has."""
        return [meeting for meeting, (has_it, _) in self._known.items() if has_it is worker]

    def reported(self, worker: W, meetings: Collection[str], asked_at: float) -> None:
        """``worker``, asked at ``asked_at``, has exactly these meetings."""
        for meeting in meetings:
            self._known.setdefault(meeting, (worker, asked_at))
        for meeting in self.of(worker):
            if meeting not in meetings and self._known[meeting][1] < asked_at:
                del self._known[meeting]

    def lose(self, worker: W) -> None:
        """``worker`` has ended, and its meetings with it."""
        for meeting in self.of(worker):
            del self._known[meeting]
            self._lost[meeting] = None
        for meeting in list(self._lost)[:-_MAX_LOST]:
            del self._lost[meeting]
