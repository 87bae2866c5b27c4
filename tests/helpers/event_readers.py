"""Readers of a meeting's events for tests, over Server-Sent Events and a WebSocket; and the state that events make."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientResponse, ClientSession

SNAPSHOT = "snapshot"


class Told(NamedTuple):
    """One message of a stream."""

    number: int
    type: str
    data: dict[str, Any]


class SseReader:
    """Reads one response, message by message."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.comments = 0
        """Lines that keep the connection alive."""

    async def next(self, timeout_s: float = 20) -> Told | None:
        """The next message; ``None`` at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(timeout_s):
            while line := (await self.response.content.readline()).decode().rstrip("\n"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            if "" in fields:
                self.comments += 1
                return await self.next(timeout_s)
        if not fields:
            return None
        assert fields.keys() == {"id", "event", "data"}
        return Told(int(fields["id"]), fields["event"], json.loads(fields["data"]))

    async def one(self) -> Told:
        """The next message."""
        told = await self.next()
        assert told is not None, "the stream has ended"
        return told

    async def until(self, kind: str, **fields: Any) -> list[Told]:
        """Everything up to and with the first event of this type with these fields."""
        read: list[Told] = []
        while (told := await self.next()) is not None:
            read.append(told)
            if told.type == kind and fields.items() <= told.data.items():
                return read
        raise AssertionError(f"the stream ended before {kind} {fields}: {read}")

    async def rest(self) -> list[Told]:
        """Everything to the end of the stream."""
        read: list[Told] = []
        while (told := await self.next()) is not None:
            read.append(told)
        return read


@asynccontextmanager
async def reading(http: ClientSession, url: str, seen: int | None = None, **query: str) -> AsyncIterator[SseReader]:
    """An open stream of the events at ``url``; ``seen`` is the number of the last event that is known."""
    headers = {} if seen is None else {"Last-Event-ID": str(seen)}
    async with http.get(url, headers=headers, params=query) as response:
        assert response.status == 200, await response.text()
        yield SseReader(response)


async def read_socket(http: ClientSession, url: str, **query: str) -> list[Told]:
    """All that comes over a WebSocket until the server closes it."""
    async with http.ws_connect(url, params=query) as socket:
        messages = [message.json() async for message in socket]
    assert all(message.keys() == {"id", "type", "data"} for message in messages)
    return [Told(message["id"], message["type"], message["data"]) for message in messages]


def fold(events: Iterable[dict[str, Any]], meeting: str) -> dict[str, Any]:
    """The snapshot that must come after ``events``, which are all there were."""
    state, people = "joining", dict[str, dict[str, Any]]()
    for event in events:
        if event["type"] == "meeting":
            state = event["state"]
        elif event["type"] == "joined":
            known = {key: event[key] for key in ("participant", "stream", "name", "analysed")}
            people[event["participant"]] = known | {"speaking": False, "stalled": False, "emotion": None}
        elif event["type"] == "left":
            del people[event["participant"]]
        elif event["type"] != "notice":
            person = people[event["participant"]]
            if person["stream"] != event["stream"]:
                person |= {"stream": event["stream"], "speaking": False, "stalled": False}
            person |= _changed(event)
    return {"meeting": meeting, "state": state, "participants": list(people.values())}


def _changed(event: dict[str, Any]) -> dict[str, Any]:
    nothing = {"speaking": False, "stalled": False, "emotion": None}
    changes: dict[str, dict[str, Any]] = {
        "speech_started": {"speaking": True},
        "speech_ended": {"speaking": False},
        "stalled": {"stalled": True},
        "resumed": {"stalled": False},
        "emotion": {"emotion": event},
        "consent": {"analysed": True} if event.get("analysed") else {"analysed": False, **nothing},
    }
    return changes.get(event["type"], {})
