"""Many people on one connection: what is said about the tracks takes effect where it was sent, to the packet."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiortc import AudioStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection

from ser_track.aiortc_internals.aiortc_side import hand_over
from ser_track.aiortc_internals.packets import take_packets
from ser_track.aiortc_internals.sdp import audio_level_id, mid_id
from ser_track.aiortc_internals.shared_socket import SharedMediaSocket, shared
from ser_track.aiortc_internals.socket import take_socket
from ser_track.aiortc_internals.udp_batches import DatagramReader
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, read_header
from ser_track.rtp.track_routes import SETTLING_S, TrackRoutes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are shared like this on Linux only")
ANN, BOB = StreamKey("m", "ann", "1"), StreamKey("m", "bob", "1")
SLOW_TICK_S = 0.128


@dataclass
class Call:
    """A sender with one track and a data channel, whose messages name who is on it."""

    sender: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    receiver: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    reader: DatagramReader = field(default_factory=DatagramReader)
    routes: TrackRoutes = field(default_factory=lambda: TrackRoutes(lambda *_: None))
    heard: dict[StreamKey, list[int]] = field(default_factory=lambda: {ANN: [], BOB: []})
    """The numbers of packets, by whom they were attributed to."""
    sent: dict[int, int] = field(default_factory=dict)
    """The number of each packet that was sent, by its sequence number, which may begin anew."""

    async def connect(self) -> tuple[SharedMediaSocket, RTCDataChannel]:
        opened = asyncio.Event()
        channel = self.sender.createDataChannel("tracks")
        channel.on("open", opened.set)
        self.receiver.on("datachannel", lambda other: other.on("message", self.switched))
        self.sender.addTrack(AudioStreamTrack())
        await self.sender.setLocalDescription(await self.sender.createOffer())
        await self.receiver.setRemoteDescription(self.sender.localDescription)
        (receiver,) = self.receiver.getReceivers()
        take_packets(receiver, self.by_aiortc, self.routes.learn)
        await self.receiver.setLocalDescription(await self.receiver.createAnswer())
        await self.sender.setRemoteDescription(self.receiver.localDescription)
        self.routes.describe({"0": ()})
        async with asyncio.timeout(10):
            await opened.wait()
        self.note_what_is_sent()
        agreed = self.receiver.localDescription.sdp
        media = take_socket(receiver, audio_level_id(agreed), shared(self.routes, mid_id(agreed)))
        assert isinstance(media, SharedMediaSocket)
        return media, channel

    def note_what_is_sent(self) -> None:
        transport = self.sender.getSenders()[0].transport
        send = transport._send_rtp

        async def noting(data: bytes) -> None:
            if (header := read_header(data)) is not None:
                self.sent[header.sequence] = len(self.sent)
            await send(data)

        vars(transport)["_send_rtp"] = noting

    def switched(self, who: str) -> None:
        """What the data channel says: from now on it is Ann, or Bob."""
        name, _, ssrc = who.partition(" ")
        if name not in ("ann", "bob"):
            return
        seat = self.routes.take_seat("0", time.monotonic(), int(ssrc) if ssrc else None)
        seat.key = {"ann": ANN, "bob": BOB}[name]

    def by_aiortc(self, arrival: Arrival) -> None:
        if (key := self.routes.route(arrival)) is not None:
            self.note(key, arrival)

    def note(self, key: StreamKey, arrival: Arrival) -> None:
        if (number := self.sent.get(arrival.sequence)) is not None:
            self.heard[key].append(number)

    async def read(self, media: SharedMediaSocket, seconds: float) -> None:
        """What the thread that ticks does, for somebody silent: seldom."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            offset_s = now - time.time()
            datagrams = self.reader.read(media.fileno(), offset_s, now)
            for key, arrivals in media.take_by_stream(datagrams, offset_s):
                for arrival in arrivals:
                    self.note(key, arrival)
            hand_over([media.rest])
            await asyncio.sleep(SLOW_TICK_S)


@pytest_asyncio.fixture
async def call() -> AsyncIterator[Call]:
    made = Call()
    yield made
    await made.sender.close()
    await made.receiver.close()


@pytest.mark.parametrize("named", [True, False])
async def test_a_switch_cuts_between_two_packets_of_one_source(call: Call, named: bool) -> None:
    media, channel = await call.connect()
    channel.send("ann")
    await call.read(media, 1.0)
    assert len(call.heard[ANN]) > 15
    for _ in range(3):
        ssrc = call.sender.getSenders()[0]._ssrc
        last = len(call.sent) - 1
        channel.send(f"bob {ssrc}" if named else "bob")
        await call.read(media, 1.0)
        assert max(call.heard[ANN]) <= last, "a packet from after the message is Ann's"
        assert min(call.heard[BOB]) > last
        lost = min(call.heard[BOB]) - max(call.heard[ANN])
        assert lost * 0.02 < 3 * SLOW_TICK_S + (0 if named else SETTLING_S + SLOW_TICK_S)
        assert call.heard[BOB] == list(range(call.heard[BOB][0], call.heard[BOB][-1] + 1)), "in order, and complete"
        call.heard[ANN].clear()
        call.heard[BOB].clear()
        channel.send(f"ann {ssrc}")
        await call.read(media, 1.0)
        call.heard[BOB].clear()
    media.close()


async def test_other_messages_take_nothing_from_whoever_speaks(call: Call) -> None:
    media, channel = await call.connect()
    channel.send("ann")
    await call.read(media, 0.5)
    begun = len(call.sent)
    for _ in range(10):
        channel.send("something else")
        await call.read(media, 0.1)
    await call.read(media, 0.5)
    media.close()
    last = call.heard[ANN][-1]
    assert last - begun > 50
    assert [number for number in call.heard[ANN] if number >= begun] == list(range(begun, last + 1))
