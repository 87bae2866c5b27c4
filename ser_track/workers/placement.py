"""Which worker has which room or meeting: records only, so that tests can try any order of events without processes."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ser_track.errors import MeetingFullError, NoWorkerError
from ser_track.workers.directory import Directory
from ser_track.workers.heartbeat import Heartbeat

W = TypeVar("W", bound=Hashable)
_MAX_EARLIER = 1_000


@dataclass(slots=True, eq=False)
class Place(Generic[W]):
    """A room or meeting that lives on ``worker``; each time it begins there is a new object."""

    name: str
    worker: W
    people: int = 0
    """As the worker last reported."""
    holds: int = 0
    """Open requests and sockets to it, which its worker may not know yet."""
    free_since: float = 0.0
    """When the last of them ended, in seconds of the caller's clock: an older report does not count for this place."""


class Places(Generic[W]):
    """The places of one kind, rooms or meetings. Each stays with its worker while it lives."""

    def __init__(self, most: int, full: str, choose: Callable[[], W]) -> None:
        """``most`` is the limit of all workers together; ``full`` is the error message. ``choose`` places a new one."""
        self._most = most
        self._full = full
        self._choose = choose
        self._places: dict[str, Place[W]] = {}
        self._earlier: dict[str, W] = {}
        """By name: the worker of a place that has ended. It remembers the answers of people there, and its own refusal
        to come back, for `meetings.linger_s`; the place returns to it."""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def people(self) -> int:
        """The number of people in all places, as the workers last reported."""
        return sum(place.people for place in self._places.values())

    def on(self, worker: W) -> list[str]:
        """The names of the places that live on ``worker``."""
        return [place.name for place in self._places.values() if place.worker is worker]

    def worker_of(self, name: str | None) -> W:
        """The worker that has ``name``; if no such place lives, any worker that can answer.

        Raises:
            NoWorkerError: no worker is available.
        """
        place = self._places.get(name) if name is not None else None
        return place.worker if place is not None else self._choose()

    def take(self, name: str) -> Place[W]:
        """The place ``name``, created if needed; it is kept until `release`.

        Raises:
            MeetingFullError: the limit is reached.
            NoWorkerError: no worker is available for a new place.
        """
        place = self._places.get(name)
        if place is None:
            if len(self._places) >= self._most:
                raise MeetingFullError(self._full)
            worker = self._earlier.pop(name, None)
            place = self._places[name] = Place(name, self._choose() if worker is None else worker)
        place.holds += 1
        return place

    def release(self, place: Place[W], now: float) -> None:
        """One request or socket that had taken ``place`` has ended."""
        place.holds -= 1
        place.free_since = now

    def reported(self, worker: W, people: Mapping[str, int], asked_at: float) -> None:
        """``worker``, asked at ``asked_at`` by the clock of `release`, has these places with so many people each."""
        for name, number in people.items():
            place = self._places.setdefault(name, Place(name, worker))
            if place.worker is worker:
                place.people = number
        for place in [place for place in self._places.values() if place.worker is worker and place.name not in people]:
            place.people = 0
            if not place.holds and place.free_since < asked_at:
                del self._places[place.name]
                self._earlier[place.name] = worker
                if len(self._earlier) > _MAX_EARLIER:
                    del self._earlier[next(iter(self._earlier))]

    def lose(self, worker: W) -> None:
        """``worker`` has ended: its places may begin elsewhere."""
        self._places = {name: place for name, place in self._places.items() if place.worker is not worker}
        self._earlier = {name: earlier for name, earlier in self._earlier.items() if earlier is not worker}

    def load(self, worker: W) -> int:
        """The people there. Requests on their way count too, so that a rush of newcomers is spread over all workers."""
        return sum(max(place.people, place.holds) for place in self._places.values() if place.worker is worker)


class Placement(Generic[W]):
    """New rooms and meetings go to the worker with the fewest people."""

    def __init__(self, max_rooms: int, max_meetings: int) -> None:
        """The limits apply to all workers together."""
        self.workers: list[W] = []
        """Workers that may get rooms and meetings."""
        self.avoided: set[W] = set()
        """Of these, workers that have not answered lately: they get a new place only if there is no other worker."""
        full = f"all {max_rooms} rooms of this server are in use; try again later"
        self.rooms = Places(max_rooms, full, self._least_loaded)
        full = f"the bot is in {max_meetings} meetings, as many as meetings.max_meetings; leave one first"
        self.meetings = Places(max_meetings, full, self._least_loaded)
        """Meetings on other servers. While one is being joined, its place has a name that the front chose."""
        self.directory: Directory[W] = Directory()

    def add(self, worker: W) -> None:
        """From now on ``worker`` may get rooms and meetings."""
        self.workers.append(worker)

    def remove(self, worker: W) -> None:
        """``worker`` has ended, and all its places with it: people who come back get another worker."""
        self.workers = [other for other in self.workers if other is not worker]
        self.avoided.discard(worker)
        for kind in (self.rooms, self.meetings, self.directory):
            kind.lose(worker)

    def reported(self, worker: W, report: Heartbeat, asked_at: float) -> None:
        """``worker``, asked at ``asked_at`` by the clock of `Places.release`, has sent this report."""
        if self._knows(worker):
            self.rooms.reported(worker, report.rooms, asked_at)
            self.meetings.reported(worker, report.meetings, asked_at)
            self.directory.reported(worker, report.meeting_ids, asked_at)

    def joined(self, meeting: str, worker: W, now: float) -> None:
        """``worker`` has just joined the meeting with this id."""
        if self._knows(worker):
            self.directory.note(meeting, worker, now)

    def _knows(self, worker: W) -> bool:
        return any(worker is known for known in self.workers)  # otherwise it has ended since

    def _least_loaded(self) -> W:
        if not self.workers:
            raise NoWorkerError
        return min(self.workers, key=self._load)

    def _load(self, worker: W) -> tuple[bool, int, int]:
        kinds = (self.rooms, self.meetings)
        people, places = sum(kind.load(worker) for kind in kinds), sum(len(kind.on(worker)) for kind in kinds)
        return worker in self.avoided, people, places
