"""Many real peer connections in one process, sending packets that were encoded beforehand."""

import asyncio
import heapq
import random
import re
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import av
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from ser_track.output.data_channel import read_message

_PACKET_S = 0.02
_PACKET_TICKS = 960
_SLICES = 10
_DTX_BYTES = 2
_DTX_EVERY = 20
"""With DTX, WebRTC sends one packet in 400 ms during silence."""


class _NoTrack(MediaStreamTrack):
    """A placeholder for a track: the packets do not come from it."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        await asyncio.Event().wait()
        raise AssertionError


@dataclass(frozen=True)
class Network:
    """Simulated loss, jitter and reordering of packets."""

    loss: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    """Share of packets that arrive after their successor."""

    def delay_s(self) -> float | None:
        """The delay of the next packet; None if it is lost."""
        if random.random() < self.loss:
            return None
        held_back = 1.5 * _PACKET_S if random.random() < self.reorder else 0.0
        return held_back + (random.uniform(0, self.jitter_s) if self.jitter_s else 0.0)


@dataclass
class Caller:
    """One participant: sends ``packets`` in a loop, or listens and records when each event arrived."""

    room: str
    packets: list[bytes] = field(default_factory=list)
    position: int = 0
    connection: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    id: str = ""
    turns: int = 0
    """Packet times that have passed."""
    sent: int = 0
    arrived: int = 0
    """Sent packets that the network did not lose."""
    first_sent_at: float = 0.0
    received: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def join(self, http: ClientSession, url: str) -> None:
        """Join the room and wait for the connection: a caller with packets sends, a caller without them listens."""
        opened = asyncio.Event()
        if not self.packets:
            channel = self.connection.createDataChannel("events")
            channel.on("message", self._note)
            channel.on("open", opened.set)
        self.connection.on("connectionstatechange", lambda: self._connected(opened))
        self.connection.addTransceiver(_NoTrack(), direction="sendonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        body = {"room": self.room, "name": "caller", "consent": bool(self.packets), "type": "offer"}
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
        self._first_timestamp = random.randrange(1 << 31)
        self._first_sequence = random.randrange(1 << 15)

    def next_packet(self) -> bytes | None:
        """The packet of this packet time with its header; None if DTX sends nothing."""
        turn, self.turns = self.turns, self.turns + 1
        payload = self.packets[(self.position + turn) % len(self.packets)]
        if len(payload) <= _DTX_BYTES and turn % _DTX_EVERY:
            return None
        sequence, self.sent = self._first_sequence + self.sent, self.sent + 1
        timestamp = self._first_timestamp + turn * _PACKET_TICKS
        head = (0x80, self._payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self._ssrc)
        return struct.pack("!BBHII", *head) + payload

    async def deliver(self, packet: bytes) -> None:
        """Give a packet to the network."""
        self.first_sent_at = self.first_sent_at or time.monotonic()
        self.arrived += 1
        await self._transport._send_rtp(packet)

    def _connected(self, opened: asyncio.Event) -> None:
        if self.packets and self.connection.connectionState == "connected":
            opened.set()

    def _note(self, message: str) -> None:
        now = time.monotonic()
        self.received += [(now, event) for event in read_message(message)]


async def send_all(callers: list[Caller], seconds: float, network: Network | None = None) -> float:
    """Send one packet per caller every 20 ms for ``seconds``, evenly spread; return the sender's greatest delay."""
    network = network or Network()
    begun, worst = time.monotonic(), 0.0
    groups = [callers[start::_SLICES] for start in range(_SLICES)]
    flying: list[tuple[float, int, Caller, bytes]] = []
    for tick in range(round(seconds / _PACKET_S) * _SLICES):
        now = tick * _PACKET_S / _SLICES
        for number, caller in enumerate(groups[tick % _SLICES]):
            if (packet := caller.next_packet()) is not None and (delay_s := network.delay_s()) is not None:
                heapq.heappush(flying, (now + delay_s, tick * len(callers) + number, caller, packet))
        while flying and flying[0][0] <= now:
            _, _, caller, packet = heapq.heappop(flying)
            await caller.deliver(packet)
        wait = begun + now + _PACKET_S / _SLICES - time.monotonic()
        worst = max(worst, -wait)
        await asyncio.sleep(max(0.0, wait))
    for _, _, caller, packet in sorted(flying, key=lambda each: each[:2]):
        await caller.deliver(packet)
    return worst
