"""Many real peer connections in one process, sending packets that were encoded beforehand."""

import asyncio
import random
import re
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import av
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from ser_track.sinks.data_channel import read_message

_PACKET_S = 0.02
_PACKET_TICKS = 960


class _NoTrack(MediaStreamTrack):
    """Holds the place of a track: the packets do not come from it."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        await asyncio.Event().wait()
        raise AssertionError


@dataclass
class Caller:
    """One participant: sends ``packets`` over and over, and notes when each event arrived."""

    room: str
    packets: list[bytes]
    position: int
    connection: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    id: str = ""
    sent: int = 0
    first_sent_at: float = 0.0
    received: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def join(self, http: ClientSession, url: str) -> None:
        """Join the room and wait for the connection."""
        channel = self.connection.createDataChannel("events")
        channel.on("message", self._note)
        opened = asyncio.Event()
        channel.on("open", opened.set)
        self.connection.addTransceiver(_NoTrack(), direction="sendonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        body = {"room": self.room, "name": "caller", "consent": True, "type": "offer"}
        async with http.post(f"{url}/offer", json=body | {"sdp": self.connection.localDescription.sdp}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        self.id = answer["participant"]
        await self.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await opened.wait()
        payload_type = re.search(r"a=rtpmap:(\d+) opus", answer["sdp"])
        assert payload_type is not None
        sender = self.connection.getSenders()[0]
        self._transport, self._ssrc, self._payload_type = sender.transport, sender._ssrc, int(payload_type[1])
        self._sequence, self._timestamp = random.randrange(1 << 15), random.randrange(1 << 31)

    async def send(self) -> None:
        """Send the next packet."""
        number = self.sent
        header = struct.pack(
            "!BBHII",
            0x80,
            self._payload_type,
            (self._sequence + number) & 0xFFFF,
            (self._timestamp + number * _PACKET_TICKS) & 0xFFFFFFFF,
            self._ssrc,
        )
        if not number:
            self.first_sent_at = time.monotonic()
        self.sent += 1
        await self._transport._send_rtp(header + self.packets[(self.position + number) % len(self.packets)])

    def _note(self, message: str) -> None:
        now = time.monotonic()
        self.received += [(now, event) for event in read_message(message)]


async def send_all(callers: list[Caller], seconds: float) -> float:
    """Send for ``seconds`` at 50 packets a second each, spread over the 20 ms; returns how late the sender ever was."""
    begun, worst = time.monotonic(), 0.0
    groups = [callers[start::10] for start in range(10)]
    for tick in range(round(seconds / _PACKET_S) * 10):
        for caller in groups[tick % 10]:
            await caller.send()
        wait = begun + (tick + 1) * _PACKET_S / 10 - time.monotonic()
        worst = max(worst, -wait)
        await asyncio.sleep(max(0.0, wait))
    return worst
