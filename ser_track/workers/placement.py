"""Which worker has which room or meeting: bookkeeping alone, so that any order of events is tried without a process."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ser_track.errors import MeetingFullError, NoWorkerError
from ser_track.workers.directory import Directory
from ser_track.workers.heartbeat import Heartbeat

W = TypeVar("W", bound=Hashable)


@dataclass(slots=True, eq=False)
class Place(Generic[W]):
    """A room or meeting that lives on ``worker``; one object for one life of it."""

    name: str
    worker: W
    people: int = 0
    """As the worker last reported."""
    holds: int = 0
    """Requests and sockets under way to it, which its worker may not know of yet."""
    free_since: float = 0.0
    """When the last of them ended, in seconds of the caller's clock: an older report says nothing about this place."""


class Places(Generic[W]):
    """The places of one kind, rooms or meetings. Each stays with its worker while it lives."""

    def __init__(self, most: int, full: str, choose: Callable[[], W]) -> None:
        """``most`` holds for all workers together; ``full`` is said beyond it. A new place is where ``choose`` says."""
        self._most = most
        self._full = full
        self._choose = choose
        self._places: dict[str, Place[W]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def people(self) -> int:
        """Everyone in all of them, as the workers last reported."""
        return sum(place.people for place in self._places.values())

    def on(self, worker: W) -> list[str]:
        """Those that live on ``worker``."""
        return [place.name for place in self._places.values() if place.worker is worker]

    def worker_of(self, name: str | None) -> W:
        """The worker that has ``name``; for what belongs to no living place, any one that can answer.

        Raises:
            NoWorkerError: there is none.
        """
        place = self._places.get(name) if name is not None else None
        return place.worker if place is not None else self._choose()

    def take(self, name: str) -> Place[W]:
        """Where ``name`` lives, or will from now on; its place is kept until `release`.

        Raises:
            MeetingFullError: it would be one too many.
            NoWorkerError: there is no worker for a new one.
        """
        place = self._places.get(name)
        if place is None:
            if len(self._places) >= self._most:
                raise MeetingFullError(self._full)
            place = self._places[name] = Place(name, self._choose())
        place.holds += 1
        return place

    def release(self, place: Place[W], now: float) -> None:
        """One request or socket that had taken ``place`` is over."""
        place.holds -= 1
        place.free_since = now

    def reported(self, worker: W, people: Mapping[str, int], asked_at: float) -> None:
        """``worker``, asked at ``asked_at`` by the clock of `release`, has these with so many people each."""
        for name, number in people.items():
            place = self._places.setdefault(name, Place(name, worker))
            if place.worker is worker:
                place.people = number
        for place in [place for place in self._places.values() if place.worker is worker and place.name not in people]:
            place.people = 0
            if not place.holds and place.free_since < asked_at:
                del self._places[place.name]

    def lose(self, worker: W) -> None:
        """``worker`` has ended: what it had may begin elsewhere."""
        self._places = {name: place for name, place in self._places.items() if place.worker is not worker}

    def load(self, worker: W) -> int:
        """People there. Who is on the way counts already: else a rush of newcomers would all be sent to one worker."""
        return sum(max(place.people, place.holds) for place in self._places.values() if place.worker is worker)


class Placement(Generic[W]):
    """New rooms and meetings go to the worker with the fewest people."""

    def __init__(self, max_rooms: int, max_meetings: int) -> None:
        """The limits hold for all workers together."""
        self.workers: list[W] = []
        """Those that may be given rooms and meetings."""
        self.avoided: set[W] = set()
        """Of these, who is given a new one only where there is no other: they have not answered lately."""
        full = f"this server has its {max_rooms} rooms in use; try again later"
        self.rooms = Places(max_rooms, full, self._least_loaded)
        full = f"the bot is in {max_meetings} meetings, as many as meetings.max_meetings; leave one first"
        self.meetings = Places(max_meetings, full, self._least_loaded)
        """On other servers. Of one that is being joined, the place has a name of the front's."""
        self.directory: Directory[W] = Directory()

    def add(self, worker: W) -> None:
        """From now on ``worker`` may be given rooms and meetings."""
        self.workers.append(worker)

    def remove(self, worker: W) -> None:
        """``worker`` is gone, and all it had with it: who comes back to that is given another worker."""
        self.workers = [other for other in self.workers if other is not worker]
        self.avoided.discard(worker)
        for kind in (self.rooms, self.meetings, self.directory):
            kind.lose(worker)

    def reported(self, worker: W, report: Heartbeat, asked_at: float) -> None:
        """``worker`` has said this of itself, asked at ``asked_at`` by the clock of `Places.release`."""
        if self._knows(worker):
            self.rooms.reported(worker, report.rooms, asked_at)
            self.meetings.reported(worker, report.meetings, asked_at)
            self.directory.reported(worker, report.meeting_ids, asked_at)

    def joined(self, meeting: str, worker: W, now: float) -> None:
        """``worker`` has just joined the meeting with this id."""
        if self._knows(worker):
            self.directory.note(meeting, worker, now)

    def _knows(self, worker: W) -> bool:
        return any(worker is known for known in self.workers)  # else it has ended since

    def _least_loaded(self) -> W:
        if not self.workers:
            raise NoWorkerError
        return min(self.workers, key=self._load)

    def _load(self, worker: W) -> tuple[bool, int, int]:
        kinds = (self.rooms, self.meetings)
        people, places = sum(kind.load(worker) for kind in kinds), sum(len(kind.on(worker)) for kind in kinds)
        return worker in self.avoided, people, places
