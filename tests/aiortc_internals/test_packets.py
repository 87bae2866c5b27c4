"""Contract with aiortc: the private parts that the packet path stands on are where we look for them."""

import asyncio
import logging
from dataclasses import dataclass, field

import av
import pytest
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError

from ser_track.aiortc_internals.packets import missing_parts, take_packets
from ser_track.rtp.header import Arrival, read_header, read_packet
from ser_track.rtp.opus import OpusDecoder

MOVED = "aiortc moved {}: update ser_track/aiortc_internals/packets.py"


@dataclass
class Call:
    """A sender of silence in 20 ms packets, and a receiver whose packets are taken."""

    sender: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    receiver: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    packets: list[Arrival] = field(default_factory=list)
    taken: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self, codec: str = "") -> RTCRtpReceiver:
        """Negotiate; with ``codec``, the offer has that one alone."""
        self.sender.addTrack(AudioStreamTrack())
        if codec:
            able = RTCRtpReceiver.getCapabilities("audio")
            assert able is not None
            known = [each for each in able.codecs if codec in each.mimeType]
            self.sender.getTransceivers()[0].setCodecPreferences(known)
        self.receiver.on("track", self._take)
        await self.sender.setLocalDescription(await self.sender.createOffer())
        await self.receiver.setRemoteDescription(self.sender.localDescription)
        await self.receiver.setLocalDescription(await self.receiver.createAnswer())
        await self.sender.setRemoteDescription(self.receiver.localDescription)
        return self.receiver.getReceivers()[0]

    async def until_packets(self, n: int) -> None:
        async with asyncio.timeout(10):
            while len(self.packets) < n:
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        await self.sender.close()
        await self.receiver.close()

    def _take(self, track: object) -> None:
        receiver = self.receiver.getReceivers()[0]
        missing = missing_parts(receiver)
        assert not missing, MOVED.format(missing)
        self.taken = take_packets(receiver, self._keep)

    def _keep(self, arrival: Arrival) -> None:
        self.packets.append(arrival)
        self._news.set()


async def test_this_aiortc_gives_us_packets_and_still_counts_them_for_its_reports() -> None:
    call = Call()
    receiver = await call.connect()
    await call.until_packets(10)
    statistics = [each for each in (await receiver.getStats()).values() if each.type == "inbound-rtp"]
    await call.close()
    assert call.taken
    sequences = [arrival.sequence for arrival in call.packets]
    assert sequences == [(sequences[0] + n) % 2**16 for n in range(len(sequences))]
    assert len({arrival.ssrc for arrival in call.packets}) == 1
    assert {arrival.level for arrival in call.packets} == {127}, MOVED.format("the audio level")
    decoder = OpusDecoder()
    assert all(len(decoder.decode(arrival.payload)) == 320 for arrival in call.packets)
    assert statistics, MOVED.format("its statistics")
    assert statistics[0].packetsReceived >= 10
    with pytest.raises(MediaStreamError):  # nothing is decoded twice: the first thing to come is the end
        await asyncio.wait_for(receiver.track.recv(), 10)


async def test_other_codecs_are_decoded_by_aiortc() -> None:
    call = Call()
    receiver = await call.connect("PCMU")
    frame = await asyncio.wait_for(receiver.track.recv(), 10)
    await call.close()
    assert isinstance(frame, av.AudioFrame)
    assert frame.sample_rate == 8000
    assert call.packets == []


async def test_a_packet_without_sound_does_not_end_the_decoder_of_another_codec() -> None:
    call = Call()
    receiver = await call.connect("PCMU")
    assert isinstance(await asyncio.wait_for(receiver.track.recv(), 10), av.AudioFrame)
    transport = call.sender.getSenders()[0].transport
    send, emptied = transport._send_rtp, list[int]()

    async def some_empty(data: bytes) -> None:
        header = read_header(data)
        if header is not None and len(emptied) < 3:
            emptied.append(header.sequence)
            data = data[: -len(read_packet(header, data, None, 0.0).payload)]
        await send(data)

    vars(transport)["_send_rtp"] = some_empty
    for _ in range(40):
        assert isinstance(await asyncio.wait_for(receiver.track.recv(), 10), av.AudioFrame)
    assert len(emptied) == 3
    await call.close()


def test_another_aiortc_is_left_alone_and_the_log_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    class Elsewhere(RTCRtpReceiver):
        """Stands for a receiver of a release that renamed its parts."""

        def __init__(self) -> None:
            self._track = None

    with caplog.at_level(logging.WARNING):
        assert take_packets(Elsewhere(), lambda *packet: None) is False
    assert "__jitter_buffer" in caplog.text
