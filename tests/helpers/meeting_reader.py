"""A program that reads the events of a meeting, and notes when each came."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientWebSocketResponse

from tests.helpers.event_schema import VALIDATOR
from tests.web.conftest import Running

ABOUT_A_VOICE = ("speech_started", "speech_ended", "emotion", "stalled", "resumed", "error")


class Read(NamedTuple):
    """An event, and the monotonic seconds at which it came."""

    at_s: float
    event: dict[str, Any]


class Reader:
    """What came since it began to read."""

    def __init__(self) -> None:
        self.read: list[Read] = []
        self._news = asyncio.Event()

    async def wait_for(self, kind: str, after_s: float = 0.0, timeout_s: float = 30, **fields: Any) -> dict[str, Any]:
        """The first event of this kind with these fields that came ``after_s`` (monotonic), past or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for at_s, event in self.read:
                    if at_s >= after_s and event["type"] == kind and fields.items() <= event.items():
                        return event
                self._news.clear()
                await self._news.wait()

    async def participant(self, name: str, after_s: float = 0.0) -> str:
        """The id here of who joined under ``name``."""
        joined: str = (await self.wait_for("joined", after_s, name=name))["participant"]
        return joined

    def of(self, participant: str, *kinds: str, after_s: float = 0.0, until_s: float = float("inf")) -> list[Read]:
        """The events of these kinds about somebody, by when they came."""
        return [
            read
            for read in self.read
            if read.event.get("participant") == participant
            and read.event["type"] in kinds
            and after_s <= read.at_s < until_s
        ]

    async def take(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            told = message.json()
            if told["type"] != "snapshot":
                VALIDATOR.validate(told["data"])
                self.read.append(Read(time.monotonic(), told["data"]))
                self._news.set()


@asynccontextmanager
async def reading(server: Running, meeting: dict[str, Any]) -> AsyncIterator[Reader]:
    """Read from the first event on; ``meeting`` is as ``POST /meetings`` answers."""
    reader = Reader()
    async with server.http.ws_connect(f"{server.url}{meeting['events']}?last_event_id=0") as socket:
        task = asyncio.create_task(reader.take(socket))
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
