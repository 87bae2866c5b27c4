"""A browser's page for tests: it joins a room on the WebSocket, then offers its analysis connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from aiortc import MediaStreamTrack, RTCSessionDescription

from tests.helpers.peer import Peer

SOON_S = 20.0
"""For what takes a moment, on a machine with other things to do."""


class Page:
    """What a browser's page does."""

    def __init__(self, http: ClientSession, url: str, socket: ClientWebSocketResponse, first: dict[str, Any]) -> None:
        self.socket, self.first = socket, first
        """The server's first message: the welcome, or a refusal."""
        self.peer = Peer(http, url)
        self._http, self._url = http, url

    @property
    def id(self) -> str:
        name: str = self.first["participant"]
        return name

    async def speak(self, track: MediaStreamTrack | None) -> None:
        """Connect to the bot with ``track`` as the microphone."""
        connection = self.peer.connection
        connection.addTrack(track) if track else connection.addTransceiver("audio", direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        known = {key: self.first[key] for key in ("room", "participant", "secret")}
        body = {**known, "sdp": connection.localDescription.sdp, "type": "offer"}
        async with self._http.post(f"{self._url}/offer", json=body) as answer:
            assert answer.status == 200, await answer.text()
            described = RTCSessionDescription((await answer.json())["sdp"], "answer")
        self.peer.id = self.id
        await connection.setRemoteDescription(described)

    async def told(self, kind: str) -> dict[str, Any]:
        """The next message of this type over the WebSocket."""
        async with asyncio.timeout(SOON_S):
            while (message := await self.socket.receive_json())["type"] != kind:
                pass
            found: dict[str, Any] = message
            return found

    async def close_code(self) -> int | None:
        """With what the server closes the socket, after whatever it still had to say."""
        async with asyncio.timeout(SOON_S):
            while (message := await self.socket.receive()).type is WSMsgType.TEXT:
                pass
        # As browsers do. aiohttp forgets the code where the connection is gone before it has answered.
        return message.data if message.type is WSMsgType.CLOSE else self.socket.close_code

    async def hang_up(self) -> None:
        await self.peer.close()
        await self.socket.close()


@asynccontextmanager
async def joined(http: ClientSession, url: str, room: str, name: str = "Ann") -> AsyncIterator[Page]:
    """A page that has tried to join."""
    async with http.ws_connect(f"{url}/ws") as socket:
        await socket.send_json({"type": "join", "room": room, "name": name, "consent": True})
        page = Page(http, url, socket, await socket.receive_json(timeout=SOON_S))
        try:
            yield page
        finally:
            await page.hang_up()
