"""Repeats on a feed what late subscribers must know: Janus does not tell a publisher who subscribes, or when."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from ser_track.event_types import EncodedEvent

_SOON_S: Final = (0.1, 1.0, 2.0, 4.0)
"""The delay after somebody joined: their page needs a moment to subscribe."""
_ALWAYS_S: Final = 10.0


class Announcer:
    """Repeats the notice and the list of people: soon after somebody joined, and every ten seconds for all others."""

    def __init__(self, put: Callable[[EncodedEvent], None], present: Callable[[], list[EncodedEvent]]) -> None:
        self._put = put
        self._present = present
        self._waits: list[float] = []
        self._poke = asyncio.Event()
        self._task = asyncio.create_task(self._repeat())

    def somebody_came(self) -> None:
        """Repeat it soon, once for all who join together."""
        self._waits = list(_SOON_S)
        self._poke.set()

    async def close(self) -> None:
        """Stop repeating."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _repeat(self) -> None:
        while True:
            self._poke.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._waits.pop(0) if self._waits else _ALWAYS_S):
                    await self._poke.wait()
                    continue
            self._say()

    def _say(self) -> None:
        for event in self._present():
            self._put(event)
