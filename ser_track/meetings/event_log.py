"""The latest events of one meeting, numbered, for any number of readers, each at its own pace.

Nothing is queued per reader: a reader asks for the events after the last number that it has seen. If a reader is too
slow, or was away too long, the log no longer has those events, and the reader starts again with the snapshot.
"""

import asyncio
import json
from collections import deque
from typing import Any, Final, NamedTuple

from ser_track.event_types import (
    ConsentChanged,
    Emotion,
    EncodedEvent,
    Joined,
    Left,
    MeetingChanged,
    Resumed,
    SpeechEnded,
    SpeechStarted,
    Stalled,
)

KEPT_EVENTS: Final = 2_000
"""About a quarter of an hour of one speaker, or a minute of a lively meeting of twenty."""


class Entry(NamedTuple):
    """An event, numbered from 1 within its meeting."""

    number: int
    encoded: EncodedEvent


class EventLog:
    """Use it on the event loop's thread only."""

    def __init__(self, meeting: str, kept: int = KEPT_EVENTS) -> None:
        """Keep the latest ``kept`` events of ``meeting``, which is its id on this server."""
        self.meeting = meeting
        self.last = 0
        """Number of the latest event."""
        self.ended = False
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._state = _Now(meeting)
        self._news = asyncio.Event()

    @property
    def oldest(self) -> int:
        """Number of the oldest event that is still kept."""
        return self.last - len(self._entries) + 1

    def put(self, event: EncodedEvent) -> None:
        """See `Sink`."""
        self.last += 1
        self._entries.append(Entry(self.last, event))
        self._state.note(event)
        self._wake()

    def end(self) -> None:
        """No more events will come."""
        self.ended = True
        self._wake()

    def snapshot(self) -> dict[str, Any]:
        """The state after the latest event: the meeting's state, the people in it, and the last result of each."""
        return self._state.described()

    def after(self, number: int) -> list[Entry] | None:
        """The events after ``number``, in order; ``None`` if some are no longer kept, or ``number`` is too high."""
        if not 0 <= self.last - number <= len(self._entries):
            return None
        return [self._entries[at] for at in range(len(self._entries) - (self.last - number), len(self._entries))]

    async def news(self, number: int) -> None:
        """Return when there is an event after ``number``, or when no more events will come."""
        while self.last <= number and not self.ended:
            await self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class _Now:
    """The current state, as the events so far define it."""

    def __init__(self, meeting: str) -> None:
        self._meeting: dict[str, Any] = {"meeting": meeting, "state": "joining"}
        self._people: dict[str, dict[str, Any]] = {}

    def described(self) -> dict[str, Any]:
        return {**self._meeting, "participants": [_described(person) for person in self._people.values()]}

    def note(self, line: EncodedEvent) -> None:
        event = line.event
        if isinstance(event, MeetingChanged):
            self._meeting["state"] = event.state
        elif isinstance(event, Joined):
            self._people[event.key.participant] = {
                "participant": event.key.participant,
                "stream": event.key.stream,
                "name": event.name,
                "analysed": event.analysed,
                "speaking": False,
                "stalled": False,
                "emotion": None,
            }
        elif isinstance(event, Left):
            self._people.pop(event.key.participant, None)
        elif (about := getattr(event, "key", None)) is not None and about.participant in self._people:
            person = self._people[about.participant]
            if person["stream"] != about.stream:  # an open segment ended with the previous stream
                person |= {"stream": about.stream, "speaking": False, "stalled": False}
            person |= _change(line)


def _described(person: dict[str, Any]) -> dict[str, Any]:
    emotion = person["emotion"]  # kept as it was encoded for all sinks
    return {**person, "emotion": None if emotion is None else json.loads(emotion)}


def _change(line: EncodedEvent) -> dict[str, Any]:
    match line.event:
        case SpeechStarted():
            return {"speaking": True}
        case SpeechEnded():
            return {"speaking": False}
        case Stalled():
            return {"stalled": True}
        case Resumed():
            return {"stalled": False}
        case Emotion():
            return {"emotion": line.text}
        case ConsentChanged(analysed=analysed):
            # Nothing is shown any longer of a person who withdraws.
            return {"analysed": analysed} | ({} if analysed else {"speaking": False, "stalled": False, "emotion": None})
    return {}
