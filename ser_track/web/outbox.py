"""Messages to one page or program; one that does not read them is disconnected."""

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import WSCloseCode, web

from ser_track.web.keys import SOCKETS

CLOSE_S = 2.0
"""For goodbyes; who has not answered by then is cut off."""
_SEND_S = 10.0
_MAX_WAITING = 256


class Outbox:
    """Messages to one page. A page that does not read is cut off, so that it cannot hold up its room."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None) -> None:
        self.given_up = False
        self._socket = socket
        self._transport = transport
        self._messages: asyncio.Queue[str | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    @property
    def waiting(self) -> int:
        """Messages that are not sent yet."""
        return self._messages.qsize()

    def put(self, message: dict[str, Any]) -> None:
        """Queue ``message``, or give the page up.

        Raises:
            RecursionError: it is nested too deep; raised here, where its sender waits, and not where others write.
        """
        self.put_text(json.dumps(message))

    def put_text(self, text: str) -> None:
        """Queue a message, or give the other side up."""
        if self._messages.qsize() < _MAX_WAITING:
            self._messages.put_nowait(text)
        else:
            self._give_up()

    async def close(self, code: WSCloseCode) -> None:
        """Send what is queued, then say goodbye; soon, whatever the page does."""
        self._messages.put_nowait(None)
        await asyncio.wait([self._writer], timeout=CLOSE_S)
        self._writer.cancel()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code=code)
        except TimeoutError:
            self._give_up()

    async def _write(self) -> None:
        # A page that is gone needs no more messages; that it left is noticed where its messages are read.
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
        # Closing politely would wait behind what the page does not read.
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()


async def close_sockets(app: web.Application) -> None:
    """Say goodbye to every page, so that the server need not wait for them."""
    goodbyes = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops") for socket in app[SOCKETS]]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await asyncio.gather(*goodbyes, return_exceptions=True)
