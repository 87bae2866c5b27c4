"""A WHEP server for tests, ours and made with aiortc: it sends one voice to whoever asks, and can be told to refuse."""

import wave
from typing import Any, Self

import numpy as np
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.helpers.peer import RecordingTrack
from tests.paths import SPOKEN

PATH = "/talk/whep"


class LateTrack(RecordingTrack):
    """Silent, until it is told to say the recording."""

    def __init__(self) -> None:
        super().__init__(SPOKEN, seconds=0)

    def speak(self) -> None:
        with wave.open(str(SPOKEN)) as recording:
            words = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
        self._samples = np.pad(words, (self._sent, 0))


class WhepServer:
    """One stream, at `url`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of each request."""
        self.viewers: dict[str, RTCPeerConnection] = {}
        self.tracks: list[LateTrack] = []
        self.speaks = False
        """Whether a new viewer hears the recording at once."""
        self.refusal: int | None = None
        """The status with which offers are answered."""
        self.answer: str | None = None
        """In place of an answer of its own."""
        self.silent = False
        """Whether its answers have no audio."""
        self.location = "/talk/sessions/{}"
        self.url = ""
        self._runner: web.AppRunner | None = None

    def speak(self) -> None:
        """Say the recording to everybody."""
        self.speaks = True
        for track in self.tracks:
            track.speak()

    async def hang_up(self) -> None:
        """End all connections."""
        viewers, self.viewers = self.viewers, {}
        for viewer in viewers.values():
            await viewer.close()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.post(PATH, self._post), web.delete("/talk/sessions/{session}", self._delete)])
        app.add_routes([web.post("/moved", self._moved)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _moved(self, request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": PATH})

    async def _post(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path, dict(request.headers)))
        if self.refusal is not None:
            return web.Response(status=self.refusal)
        connection, session = RTCPeerConnection(RTCConfiguration(iceServers=[])), str(len(self.requests))
        self.viewers[session] = connection
        await connection.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        self.tracks.append(LateTrack())
        if self.speaks:
            self.tracks[-1].speak()
        if not self.silent:
            connection.addTrack(self.tracks[-1])
        await connection.setLocalDescription(await connection.createAnswer())
        headers = {"Location": self.location.format(session)}
        text = self.answer if self.answer is not None else connection.localDescription.sdp
        return web.Response(status=201, text=text, content_type="application/sdp", headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path, dict(request.headers)))
        if (viewer := self.viewers.pop(request.match_info["session"], None)) is not None:
            await viewer.close()
        return web.Response(status=200)


def said(server: WhepServer) -> list[Any]:
    """The methods of all requests."""
    return [method for method, _, _ in server.requests]
