"""Queued messages to one page or program; a slow reader is disconnected."""

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import WSCloseCode, web

from ser_track.web.keys import SOCKETS

CLOSE_S = 2.0
"""The time for goodbyes; a page that has not answered by then is disconnected."""
_SEND_S = 10.0
_MAX_WAITING = 256


class Outbox:
    """Messages to one page. A slow reader is disconnected, so that it cannot delay its room."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None) -> None:
        self.given_up = False
        self._socket = socket
        self._transport = transport
        self._messages: asyncio.Queue[str | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    @property
    def waiting(self) -> int:
        """Messages that have not been sent yet."""
        return self._messages.qsize()

    def put(self, message: dict[str, Any]) -> None:
        """Queue ``message``, or disconnect a slow page.

        Raises:
            RecursionError: it is nested too deeply; raised here, in the sender's task, and not in the task that writes.
        """
        self.put_text(json.dumps(message))

    def put_text(self, text: str) -> None:
        """Queue a message, or disconnect a slow reader."""
        if self._messages.qsize() < _MAX_WAITING:
            self._messages.put_nowait(text)
        else:
            self._give_up()

    async def close(self, code: WSCloseCode) -> None:
        """Send what is queued, then say goodbye; takes bounded time, whatever the page does."""
        self._messages.put_nowait(None)
        await asyncio.wait([self._writer], timeout=CLOSE_S)
        self._writer.cancel()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code=code)
        except TimeoutError:
            self._give_up()

    async def _write(self) -> None:
        # A page that is gone needs no more messages; the task that reads from it notices that it left.
        with contextlib.suppress(ConnectionError):
            while (message := await self._messages.get()) is not None:
                try:
                    async with asyncio.timeout(_SEND_S):
                        await self._socket.send_str(message)
                except TimeoutError:
                    self._give_up()
                    return

    def _give_up(self) -> None:
        self.given_up = True
        # A proper close would wait behind messages that the page does not read.
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()


async def close_sockets(app: web.Application) -> None:
    """Say goodbye to every page, so that the server does not have to wait for them."""
    goodbyes = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops") for socket in app[SOCKETS]]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await asyncio.gather(*goodbyes, return_exceptions=True)
