"""Contract with aiortc, aioice and pylibsrtp: a connection's socket can be read in their place, and they go on."""

import asyncio
import struct
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver

from ser_track.aiortc_internals.aiortc_side import hand_over
from ser_track.aiortc_internals.packets import take_packets
from ser_track.aiortc_internals.socket import MediaSocket, missing_parts, take_socket
from ser_track.aiortc_internals.udp_batches import DatagramReader
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival, read_header
from ser_track.rtp.opus import OpusDecoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are shared like this on Linux only")
MOVED = "aiortc, aioice or pylibsrtp moved {}: update ser_track/aiortc_internals/socket.py"
KEY = StreamKey("m", "ann", "1")
TICK_S = 0.03


@dataclass
class Call:
    """A sender of silence in 20 ms packets, and a receiver whose socket is read here."""

    sender: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    receiver: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    by_aiortc: list[int] = field(default_factory=list)
    """Sequence numbers of packets that came its way."""
    arrivals: list[Arrival] = field(default_factory=list)
    reader: DatagramReader = field(default_factory=DatagramReader)

    async def connect(self, codec: str = "opus") -> RTCRtpReceiver:
        connected = asyncio.Event()

        @self.receiver.on("connectionstatechange")
        def _changed() -> None:
            if self.receiver.connectionState == "connected":
                connected.set()

        self.sender.addTrack(AudioStreamTrack())
        able = RTCRtpReceiver.getCapabilities("audio")
        assert able is not None
        known = [each for each in able.codecs if codec in each.mimeType]
        self.sender.getTransceivers()[0].setCodecPreferences(known)
        await self.sender.setLocalDescription(await self.sender.createOffer())
        await self.receiver.setRemoteDescription(self.sender.localDescription)
        receiver = self.receiver.getReceivers()[0]
        take_packets(receiver, lambda arrival: self.by_aiortc.append(arrival.sequence))
        await self.receiver.setLocalDescription(await self.receiver.createAnswer())
        await self.sender.setRemoteDescription(self.receiver.localDescription)
        async with asyncio.timeout(10):
            await connected.wait()
        return receiver

    async def read(self, media: MediaSocket, seconds: float) -> None:
        """What the thread that ticks does."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            offset_s = now - time.time()
            self.arrivals += media.take(self.reader.read(media.fileno(), offset_s, now), offset_s)
            hand_over([media.rest])
            await asyncio.sleep(TICK_S)


@pytest_asyncio.fixture
async def call() -> AsyncIterator[Call]:
    made = Call()
    yield made
    await made.sender.close()
    await made.receiver.close()


async def taken(receiver: RTCRtpReceiver) -> MediaSocket:
    missing = missing_parts(receiver)
    assert not missing, MOVED.format(missing)
    media = take_socket(receiver, None)
    assert media is not None
    media.hear_as(KEY, 0.0)
    return media


async def test_every_packet_is_read_here_once_aiortc_knows_the_source(call: Call) -> None:
    media = await taken(await call.connect())
    await call.read(media, 2.0)
    media.close()
    sequences = [arrival.sequence for arrival in call.arrivals]
    assert len(sequences) > 80
    assert sequences == [(sequences[0] + n) % 2**16 for n in range(len(sequences))]
    assert len(call.by_aiortc) < 25, MOVED.format("the way of a packet")
    assert (call.by_aiortc[-1] + 1) % 2**16 == sequences[0], "one way begins where the other ends"
    decoder = OpusDecoder()
    assert all(len(decoder.decode(arrival.payload)) == 320 for arrival in call.arrivals)
    steps = [b.now - a.now for a, b in zip(call.arrivals, call.arrivals[1:], strict=False)]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.02, abs=0.008), "when they came, not when they were read"


async def test_reports_to_the_sender_count_what_is_read_here(call: Call) -> None:
    media = await taken(await call.connect())
    for _ in range(20):  # the round trip time needs a report of theirs, and then one of ours
        await call.read(media, 1.0)
        told = {each.type: each for each in (await call.sender.getSenders()[0].getStats()).values()}
        if (remote := told.get("remote-inbound-rtp")) is not None and remote.roundTripTime is not None:
            break
    received = len(call.by_aiortc) + len(call.arrivals)
    counted = {each.type: each for each in (await call.receiver.getReceivers()[0].getStats()).values()}
    media.close()
    assert counted["inbound-rtp"].packetsReceived == received
    assert counted["inbound-rtp"].packetsLost == 0
    assert remote is not None
    assert (remote.packetsLost, remote.fractionLost) == (0, 0)
    assert remote.roundTripTime < 0.5


async def test_what_is_missing_is_reported_as_lost(call: Call) -> None:
    media = await taken(await call.connect())
    await call.read(media, 1.0)
    lost = 0
    while lost < 10:  # thrown away before anybody looks at it: as if it never came
        lost += sum(read_header(datagram) is not None for datagram, _ in call.reader.read(media.fileno(), 0.0, 0.0))
        await asyncio.sleep(0.02)
    await call.read(media, 2.5)
    told = {each.type: each for each in (await call.sender.getSenders()[0].getStats()).values()}
    media.close()
    assert told["remote-inbound-rtp"].packetsLost == lost


async def test_nobodys_audio_is_not_passed_on(call: Call) -> None:
    media = await taken(await call.connect())
    media.hear_as(None, 0.0)
    await call.read(media, 1.0)
    assert call.arrivals == []
    media.hear_as(KEY, 0.0)
    await call.read(media, 0.5)
    media.close()
    assert len(call.arrivals) > 15


async def test_what_waits_from_before_they_agreed_is_not_heard(call: Call) -> None:
    media = await taken(await call.connect())
    media.hear_as(None, 0.0)
    await call.read(media, 1.0)
    await asyncio.sleep(0.5)  # nobody reads meanwhile: it waits in the socket
    agreed_at = time.monotonic()
    media.hear_as(KEY, agreed_at)
    await call.read(media, 0.5)
    media.close()
    assert len(call.arrivals) > 15
    assert all(arrival.now >= agreed_at for arrival in call.arrivals)


async def test_a_flood_that_is_no_audio_does_not_stop_the_loop(call: Call) -> None:
    media = await taken(await call.connect())
    await call.read(media, 0.5)
    binding_request = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"x" * 12)
    worst_s, before = 0.0, time.monotonic()
    for _ in range(50):
        media.take([(binding_request, before)] * 1000, 0.0)
        hand_over([media.rest])
        await asyncio.sleep(0.01)
        worst_s, before = max(worst_s, time.monotonic() - before), time.monotonic()
    media.close()
    assert len(media._rest._waiting) <= 64
    assert worst_s < 0.5


async def test_sources_without_end_are_neither_remembered_nor_a_reason_not_to_hang_up(call: Call) -> None:
    receiver = await call.connect()
    media = await taken(receiver)
    await call.read(media, 0.5)
    transport, payload_type = call.sender.getSenders()[0].transport, 96
    for ssrc in range(1, 400):
        await transport._send_rtp(struct.pack("!BBHII", 0x80, payload_type, 1, 960, ssrc) + b"\xfc\xff\xfe")
        if ssrc % 20 == 0:
            await call.read(media, 0.05)
    await call.read(media, 2.0)
    media.close()
    assert len(vars(receiver)["_RTCRtpReceiver__remote_streams"]) <= 16
    async with asyncio.timeout(5):
        await call.receiver.close()


async def test_left_alone_aiortc_receives_as_ever(call: Call) -> None:
    media = await taken(await call.connect())
    await call.read(media, 1.0)
    media.close()
    before = len(call.by_aiortc)
    await asyncio.sleep(1.0)
    assert len(call.by_aiortc) > before + 30


async def test_another_codec_is_left_to_aiortc(call: Call) -> None:
    receiver = await call.connect("PCMU")
    media = await taken(receiver)
    await call.read(media, 1.0)
    frame = await asyncio.wait_for(receiver.track.recv(), 5)
    media.close()
    assert call.arrivals == []
    assert frame is not None


async def test_the_other_side_is_heard_to_hang_up(call: Call) -> None:
    media = await taken(await call.connect())
    await call.sender.close()
    await call.read(media, 0.5)
    media.close()
    assert call.receiver.connectionState == "closed"
