"""One room of our own: the people in it, and what they are told."""

from collections.abc import Callable
from typing import Any

from ser_track.events import Event, Joined, StreamKey
from ser_track.live.metrics import Metrics
from ser_track.meetings.adapters.rooms.participant import Participant
from ser_track.output.wire import encode


class Room:
    """People who hear each other, and see each other's events. Nothing of it is stored."""

    def __init__(self, name: str, metrics: Metrics, forget: Callable[[Participant, str], None]) -> None:
        self.name = name
        self.people: dict[str, Participant] = {}
        self._metrics = metrics
        self._forget = forget

    def publish(self, event: Event) -> None:
        """Give ``event`` to everyone's data channel."""
        line = encode(event)
        self._metrics.events.labels(type=line.type).inc()
        for participant in self.people.values():
            participant.put(line)

    def keeper(self, key: StreamKey, name: str) -> None:
        """Rooms of our own are never recorded: their page says so."""

    def signal(self, message: dict[str, Any]) -> None:
        """Give ``message`` to every page."""
        for participant in self.people.values():
            if participant.signal is not None:
                participant.signal(message)

    def present(self) -> list[Joined]:
        """Who is there."""
        return [participant.joined for participant in self.people.values()]

    def consent_changed(self, participant: Participant) -> None:
        """Tell every page."""
        self.signal({"type": "consent", "participant": participant.id, "analysed": participant.analysed})

    def lost(self, participant: Participant, reason: str) -> None:
        """The analysis connection is gone. A page makes a new one; a program that joined by offer alone has left."""
        if participant.signal is None:
            self._forget(participant, reason)


def introduce(participant: Participant) -> dict[str, Any]:
    """A participant as pages see them; only one with a ``page`` can be called by them."""
    page = participant.signal is not None
    return {"id": participant.id, "name": participant.name, "analysed": participant.analysed, "page": page}
