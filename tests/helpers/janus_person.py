"""Participants of a VideoRoom, made of aiortc and of a client for Janus that is not the one under test."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from tests.helpers.event_schema import VALIDATOR
from tests.helpers.janus_server import ADMIN, ROOM

LABEL = "JanusDataChannel"


class JanusPerson:
    """Somebody in a room, over a WebSocket of their own."""

    def __init__(self, http: ClientSession, url: str, name: str, room: int = ROOM) -> None:
        self.name = name
        self.room = room
        self.id = 0
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel | None = None
        self.heard: list[dict[str, Any]] = []
        """Events from the bot, each held against the schema."""
        self.publishers: dict[int, dict[str, Any]] = {}
        self._http, self._url = http, url
        self._socket: ClientWebSocketResponse
        self._session = 0
        self._handle = 0
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._subscriptions: dict[int, RTCPeerConnection] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pin: dict[str, str] = {}
        self._news = asyncio.Event()
        self._up = asyncio.Event()

    async def join(self, pin: str | None = None) -> None:
        self._pin = {"pin": pin} if pin else {}
        self._socket = await self._http.ws_connect(self._url, protocols=["janus-protocol"])
        self._spawn(self._read())
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]
        self._handle = await self._attach()
        request = {"request": "join", "ptype": "publisher", "room": self.room, "display": self.name}
        joined = await self.request(request | self._pin)
        self.id = joined["id"]
        self._note(joined)

    async def publish(self, *tracks: MediaStreamTrack, data: bool = False, codec: str = "opus") -> None:
        for track in tracks:
            self.connection.addTrack(track)
        if codec != "opus" and (able := RTCRtpSender.getCapabilities("audio")) is not None:
            self.connection.getTransceivers()[0].setCodecPreferences([c for c in able.codecs if c.name == codec])
        if data:
            self.channel = self.connection.createDataChannel(LABEL)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = {"type": "offer", "sdp": self.connection.localDescription.sdp}
        answer = await self._ask(self._message(self._handle, {"request": "publish"}) | {"jsep": offer})
        await self.connection.setRemoteDescription(RTCSessionDescription(answer["jsep"]["sdp"], "answer"))
        async with asyncio.timeout(10):
            await self._up.wait()

    async def send(self, text: str) -> None:
        """Say something on the data channel, once it is open."""
        assert self.channel is not None
        channel, opened = self.channel, asyncio.Event()
        channel.on("open", opened.set)
        if channel.readyState != "open":
            async with asyncio.timeout(10):
                await opened.wait()
        # Janus passes on only what comes once somebody has subscribed; it tells nobody when that is.
        for _ in range(10):
            channel.send(text)
            await asyncio.sleep(0.2)

    async def unpublish(self) -> None:
        await self.request({"request": "unpublish"})
        self._up.clear()
        await self.connection.close()
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    def lose_packets(self, *, lose: bool = True) -> None:
        """From now on nothing more of the media leaves here, as if the network was gone; the connection stays."""
        transport = self.connection.getSenders()[0].transport
        if not lose:
            del vars(transport)["_send_rtp"]
            return

        async def nothing(data: bytes) -> None:
            pass

        vars(transport)["_send_rtp"] = nothing

    async def moderate(self, person: int, *, mute: bool) -> None:
        await self.request({"request": "moderate", "secret": ADMIN, "id": person, "mid": "0", "mute": mute})

    async def administer(self, request: str, **fields: Any) -> None:
        await self.request({"request": request, "secret": ADMIN, **fields})

    async def request(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._ask(self._message(self._handle, {"room": self.room} | body))
        data: dict[str, Any] = answer["plugindata"]["data"]
        assert "error" not in data, data
        return data

    async def listen_to_bots(self) -> None:
        """Subscribe to the data of everybody who publishes nothing else, now and later."""
        self._spawn(self._follow())

    async def wait_for(self, kind: str, timeout_s: float = 20, after: int = 0, **fields: Any) -> dict[str, Any]:
        """The first event of this kind with these fields, from number ``after`` on, past or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.heard[after:]:
                    if event["type"] == kind and fields.items() <= event.items():
                        return event
                self._news.clear()
                await self._news.wait()

    async def wait_for_news(self, seen: int) -> None:
        """Until more than ``seen`` events have come."""
        while len(self.heard) <= seen:
            self._news.clear()
            await self._news.wait()

    async def vanish(self) -> None:
        """As if killed: the WebSocket and the media end without a goodbye."""
        await self._socket.close()
        await self.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        connections: Sequence[RTCPeerConnection] = [self.connection, *self._subscriptions.values()]
        await asyncio.gather(*(connection.close() for connection in connections))
        await self._socket.close()

    async def _follow(self) -> None:
        while True:
            for publisher in list(self.publishers.values()):
                if publisher["id"] not in self._subscriptions and {s["type"] for s in publisher["streams"]} == {"data"}:
                    await self._subscribe(publisher)
            self._news.clear()
            await self._news.wait()

    async def _subscribe(self, publisher: dict[str, Any]) -> None:
        connection = self._subscriptions[publisher["id"]] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("datachannel", lambda channel: channel.on("message", self._take))
        handle = await self._attach()
        streams = [{"feed": publisher["id"], "mid": stream["mid"]} for stream in publisher["streams"]]
        join = {"request": "join", "ptype": "subscriber", "room": self.room, "streams": streams, **self._pin}
        offer = await self._ask(self._message(handle, join))
        await connection.setRemoteDescription(RTCSessionDescription(offer["jsep"]["sdp"], "offer"))
        connection.createDataChannel(LABEL)
        await connection.setLocalDescription(await connection.createAnswer())
        answer = {"type": "answer", "sdp": connection.localDescription.sdp}
        await self._ask(self._message(handle, {"request": "start"}) | {"jsep": answer})

    def _take(self, message: str) -> None:
        for event in json.loads(message)["events"]:
            VALIDATOR.validate(event)
            self.heard.append(event)
        self._news.set()

    async def _attach(self) -> int:
        number: int = (await self._ask({"janus": "attach", "plugin": "janus.plugin.videoroom"}))["data"]["id"]
        return number

    def _message(self, handle: int, body: dict[str, Any]) -> dict[str, Any]:
        return {"janus": "message", "handle_id": handle, "body": body}

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        transaction = f"{self.name}-{next(self._numbers)}"
        answer = self._answers[transaction] = asyncio.get_running_loop().create_future()
        session = {"session_id": self._session} if self._session else {}
        await self._socket.send_json(request | session | {"transaction": transaction})
        async with asyncio.timeout(10):
            message: dict[str, Any] = await answer
        return message

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            answer = self._answers.get(message.get("transaction", ""))
            if answer is not None and message["janus"] != "ack" and not answer.done():
                answer.set_result(message)
            if message["janus"] == "webrtcup" and message["sender"] == self._handle:
                self._up.set()
            self._note(message.get("plugindata", {}).get("data", {}))

    def _note(self, data: dict[str, Any]) -> None:
        for publisher in data.get("publishers", []):
            self.publishers[publisher["id"]] = publisher
        for gone in ("unpublished", "leaving"):
            self.publishers.pop(data.get(gone, 0), None)
        self._news.set()

    def _spawn(self, work: Any) -> None:
        self._tasks.add(asyncio.create_task(work))
