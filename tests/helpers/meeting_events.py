"""What has been told in one meeting of a server in this process."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from ser_track.meetings.session import Session
from tests.web.conftest import Running


class MeetingEvents:
    """All events so far, and those to come."""

    def __init__(self, server: Running, where: str) -> None:
        self.session: Session = next(each for each in server.bot.meetings if each.where == where)

    @property
    def events(self) -> list[dict[str, Any]]:
        entries = self.session.channel.log.after(0)
        assert entries is not None
        return [json.loads(entry.encoded.text) for entry in entries]

    def of(self, participant: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("participant") == participant]

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event of this type with these fields, past or to come."""
        return await self.first(lambda event: event["type"] == kind and fields.items() <= event.items())

    async def first(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        log = self.session.channel.log
        async with asyncio.timeout(25):
            while True:
                seen = log.last
                for event in self.events:
                    if fits(event):
                        return event
                await log.news(seen)
