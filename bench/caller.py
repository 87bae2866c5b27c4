"""Many real peer connections in one process, sending packets that were encoded beforehand."""

import asyncio
import random
import struct
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import av
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, rtcrtpsender

from bench.answer import header_extensions, level_octet, read_answer
from bench.packets import DTX_BYTES, DTX_EVERY, PACKET_S, Encoding, Packet, turn
from ser_track.output.data_channel import read_message

_PACKET_TICKS = 960
_JOINING_AT_ONCE: Final = 8
"""The server allows 24 people from one address who are not connected yet (``rooms.max_unconnected``)."""


class _ReportsOfBrowsers:
    """In place of `random` in aiortc's sender, which waits for 0.5 s and a random time between its reports."""

    @staticmethod
    def random() -> float:
        """Make that 5 s on average, as in libwebrtc (`kDefaultAudioReportInterval`)."""
        return random.uniform(2.0, 7.0)


vars(rtcrtpsender)["random"] = _ReportsOfBrowsers


class _NoTrack(MediaStreamTrack):
    """A placeholder for a track: the packets do not come from it."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        await asyncio.Event().wait()
        raise AssertionError


@dataclass(frozen=True)
class Sending:
    """What callers send."""

    dtx: bool = False
    """Almost nothing while silent."""
    levels: bool = False
    """The header extensions of browsers: audio level (RFC 6464) and name of the section."""
    encoding: Encoding | None = None
    """`None`: what the answer asks for."""


@dataclass
class Caller:
    """One participant: with ``sending`` it speaks in turns, without it listens and records when each event arrived."""

    room: str
    sending: Sending | None = None
    position: int = 0
    """Where in its turn it begins, in packets."""
    connection: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    id: str = ""
    encoding: Encoding | None = None
    """How it encodes; known once it has joined."""
    packets: Sequence[Packet] = ()
    sent: int = 0
    arrived: int = 0
    """Sent packets that the network did not lose."""
    first_turn: int | None = None
    """Packet time of the first of them: time 0 of the stream."""
    sent_at: "array[float]" = field(default_factory=lambda: array("d"))
    """When each packet time of this caller was, on the monotonic clock."""
    received: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def join(self, http: ClientSession, url: str) -> None:
        """Join the room and wait for the connection."""
        opened = asyncio.Event()
        if self.sending is None:
            channel = self.connection.createDataChannel("events")
            channel.on("message", self._note)
            channel.on("open", opened.set)
        self.connection.on("connectionstatechange", lambda: self._connected(opened))
        transceiver = self.connection.addTransceiver(_NoTrack(), direction="sendonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        body = {"room": self.room, "name": "caller", "consent": self.sending is not None, "type": "offer"}
        async with http.post(f"{url}/offer", json=body | {"sdp": self.connection.localDescription.sdp}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        self.id = answer["participant"]
        await self.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await opened.wait()
        dtls = transceiver.sender.transport
        pair = dtls.transport._connection._nominated[1]
        # Past asyncio too: each of these layers takes a tenth of a core for 500 callers.
        self._udp, self._remote = pair.protocol.transport.get_extra_info("socket")._sock, pair.remote_addr
        self._srtp, self._ssrc = dtls._tx_srtp, transceiver.sender._ssrc
        self._first_timestamp = random.randrange(1 << 31)
        self._first_sequence = random.randrange(1 << 15)
        if self.sending is not None:
            self._agree(self.sending, answer["sdp"], str(transceiver.mid))

    def packet(self, n: int) -> Packet:
        """What it would send in packet time ``n``."""
        return self.packets[(self.position + n) % len(self.packets)]

    def prepare(self, packet_times: int) -> None:
        """Encrypt what it will send in the next ``packet_times``, as far as that has not been done."""
        while len(self._prepared) < len(self.sent_at) + packet_times:
            packet = self._rtp(len(self._prepared))
            self._prepared.append(None if packet is None else self._srtp.protect(packet))

    def next_packet(self) -> bytes | None:
        """The encrypted packet of this packet time, which was prepared; None if DTX sends nothing."""
        self.sent_at.append(time.monotonic())
        return self._prepared[len(self.sent_at) - 1]

    def moment(self, media_s: float) -> float:
        """When the sound at ``media_s`` of its stream was spoken, on the monotonic clock."""
        n = min((self.first_turn or 0) + int(media_s / PACKET_S), len(self.sent_at) - 1)
        return self.sent_at[n] + media_s - (n - (self.first_turn or 0)) * PACKET_S

    def deliver(self, packet: bytes) -> None:
        """Give a packet to the network, past aiortc: its own way takes more than a core for 500 callers."""
        self.arrived += 1
        self._udp.sendto(packet, self._remote)

    def _rtp(self, n: int) -> bytes | None:
        packet = self.packet(n)
        if len(packet.payload) <= DTX_BYTES and n % DTX_EVERY:
            return None
        sequence, self.sent = self._first_sequence + self.sent, self.sent + 1
        timestamp = self._first_timestamp + n * _PACKET_TICKS
        extension = self._extensions[level_octet(packet)] if self._extensions else b""
        first = 0x90 if extension else 0x80
        head = (first, self._payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self._ssrc)
        return struct.pack("!BBHII", *head) + extension + packet.payload

    def _agree(self, sending: Sending, sdp: str, mid: str) -> None:
        answer = read_answer(sdp)
        self._payload_type = answer.payload_type
        self.encoding = sending.encoding or answer.encoding
        self.packets = turn(self.encoding, sending.dtx)
        self._prepared: list[bytes | None] = []
        self._extensions: tuple[bytes, ...] = ()
        if sending.levels:
            assert answer.mid_id, "the server's answer refuses the section's name in headers; leave out --levels"
            assert answer.level_id, "the server's answer refuses audio levels; leave out --levels"
            self._extensions = header_extensions(mid, answer.mid_id, answer.level_id)

    def _connected(self, opened: asyncio.Event) -> None:
        if self.sending is not None and self.connection.connectionState == "connected":
            opened.set()

    def _note(self, message: str) -> None:
        now = time.monotonic()
        self.received += [(now, event) for event in read_message(message)]


async def prepare_all(callers: Sequence[Caller], seconds: float) -> None:
    """Encrypt before the measurement what everybody will send, so that it does not slow the sender down."""
    for caller in callers:
        caller.prepare(round(seconds / PACKET_S))
        await asyncio.sleep(0)  # connections are kept alive meanwhile


async def join_all(callers: Sequence[Caller], http: ClientSession, url: str) -> None:
    """Everybody joins, a few at a time."""
    free = asyncio.Semaphore(_JOINING_AT_ONCE)

    async def join(caller: Caller) -> None:
        async with free:
            await caller.join(http, url)

    await asyncio.gather(*(join(caller) for caller in callers))
