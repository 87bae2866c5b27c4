"""A tap, a gateway or somebody's bot: sends many people over one connection, made of aiortc."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

from aiohttp import ClientSession
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from ser_track.output.data_channel import read_message


class TrackSender:
    """One meeting of the kind `tracks`."""

    def __init__(self, http: ClientSession, url: str, name: str | None = None) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = self.connection.createDataChannel("tracks")
        self.events: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        """Those beside the events."""
        self.meeting: dict[str, Any] = {}
        self._http, self._url, self._name = http, url, name
        self._news = asyncio.Event()
        self._opened = asyncio.Event()
        self.channel.on("message", self._take)
        self.channel.on("open", self._opened.set)

    async def offer(self, tracks: Sequence[MediaStreamTrack | None]) -> str:
        """Our offer with one more section for each of ``tracks``."""
        for track in tracks:
            if track is None:
                self.connection.addTransceiver("audio", direction="sendonly")
            else:
                self.connection.addTrack(track)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sdp: str = self.connection.localDescription.sdp
        return sdp

    async def begin(self, *tracks: MediaStreamTrack | None, status: int = 201, **fields: Any) -> dict[str, Any]:
        """Begin the meeting, and wait until the data channel is open; returns the answer of `POST /meetings`."""
        body = {"server": "tracks", "sdp": await self.offer(tracks), **fields}
        if self._name is not None:
            body["name"] = self._name
        async with self._http.post(f"{self._url}/meetings", json=body) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == status, answer
        if status == 201:
            self.meeting = answer
            await self.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
            async with asyncio.timeout(10):
                await self._opened.wait()
        return answer

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.channel.send(json.dumps(message))

    def sender(self, mid: str) -> RTCRtpSender:
        """What sends on this track."""
        return next(each.sender for each in self.connection.getTransceivers() if each.mid == mid)

    def change_source(self, mid: str) -> int:
        """Go on with another SSRC, as an SFU does."""
        ssrc = random.getrandbits(32)
        vars(self.sender(mid))["_ssrc"] = ssrc
        return ssrc

    async def person(self, **fields: Any) -> dict[str, Any]:
        """The first message that introduces somebody with these fields."""
        return await self.message("person", **fields)

    async def message(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of this type with these fields, past or to come."""
        return await self._first(self.messages, {"type": kind, **fields})

    async def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event of this type with these fields, past or to come."""
        return await self._first(self.events, {"type": kind, **fields})

    def of(self, participant: str) -> list[dict[str, Any]]:
        """The events of one participant."""
        return [event for event in self.events if event.get("participant") == participant]

    async def close(self) -> None:
        await self.connection.close()

    async def _first(self, among: list[dict[str, Any]], fields: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                for each in among:
                    if fields.items() <= each.items():
                        return each
                self._news.clear()
                await self._news.wait()

    def _take(self, message: str) -> None:
        body = json.loads(message)
        if "events" in body:
            self.events += read_message(message)
        else:
            self.messages.append(body)
        self._news.set()
