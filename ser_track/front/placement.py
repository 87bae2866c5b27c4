"""Which worker has which room: bookkeeping alone, so that any order of events can be tried without a process."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ser_track.errors import MeetingFullError, NoWorkerError

W = TypeVar("W", bound=Hashable)


@dataclass(slots=True, eq=False)
class Place(Generic[W]):
    """A room that lives on ``worker``; one object for one life of the room."""

    room: str
    worker: W
    people: int = 0
    """As the worker last reported."""
    holds: int = 0
    """Requests and sockets under way to it, which its worker may not know of yet."""
    free_since: float = 0.0
    """When the last of them ended, in seconds of the caller's clock: an older report says nothing about this room."""


class Placement(Generic[W]):
    """A room stays with its worker while it lives; a new one goes to the worker with the fewest people."""

    def __init__(self, max_rooms: int) -> None:
        """``max_rooms`` holds for all workers together."""
        self._max_rooms = max_rooms
        self.workers: list[W] = []
        """Those that may be given rooms."""
        self.avoided: set[W] = set()
        """Of these, who is given a new one only where there is no other: they have not answered lately."""
        self._places: dict[str, Place[W]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def people(self) -> int:
        """Everyone in every room, as the workers last reported."""
        return sum(place.people for place in self._places.values())

    def rooms_of(self, worker: W) -> list[str]:
        """The rooms that live on ``worker``."""
        return [place.room for place in self._places.values() if place.worker is worker]

    def add(self, worker: W) -> None:
        """From now on ``worker`` may be given rooms."""
        self.workers.append(worker)

    def remove(self, worker: W) -> None:
        """``worker`` is gone, and its rooms with it: who comes back to one is given another worker."""
        self.workers = [other for other in self.workers if other is not worker]
        self.avoided.discard(worker)
        self._places = {room: place for room, place in self._places.items() if place.worker is not worker}

    def worker_of(self, room: str | None) -> W:
        """The worker that has ``room``; for what belongs to no living room, any one that can answer.

        Raises:
            NoWorkerError: there is none.
        """
        place = self._places.get(room) if room is not None else None
        return place.worker if place is not None else self._least_loaded()

    def take(self, room: str) -> Place[W]:
        """Where ``room`` lives, or will from now on; its place is kept until `release`.

        Raises:
            MeetingFullError: it would be one room too many.
            NoWorkerError: there is no worker for a new room.
        """
        place = self._places.get(room)
        if place is None:
            if len(self._places) >= self._max_rooms:
                raise MeetingFullError(f"this server has its {self._max_rooms} rooms in use; try again later")
            place = self._places[room] = Place(room, self._least_loaded())
        place.holds += 1
        return place

    def release(self, place: Place[W], now: float) -> None:
        """One request or socket that had taken ``place`` is over."""
        place.holds -= 1
        place.free_since = now

    def reported(self, worker: W, rooms: Mapping[str, int], asked_at: float) -> None:
        """``worker``, asked at ``asked_at`` by the clock of `release`, has these rooms with so many people each."""
        if not any(worker is known for known in self.workers):
            return  # it has died since
        for room, people in rooms.items():
            place = self._places.setdefault(room, Place(room, worker))
            if place.worker is worker:
                place.people = people
        for place in [place for place in self._places.values() if place.worker is worker and place.room not in rooms]:
            place.people = 0
            if not place.holds and place.free_since < asked_at:
                del self._places[place.room]

    def _least_loaded(self) -> W:
        if not self.workers:
            raise NoWorkerError
        return min(self.workers, key=self._load)

    def _load(self, worker: W) -> tuple[bool, int, int]:
        places = [place for place in self._places.values() if place.worker is worker]
        # Who is on the way counts already: else a rush of newcomers would all be sent to one worker.
        people = sum(max(place.people, place.holds) for place in places)
        return worker in self.avoided, people, len(places)
