"""The callers of the benchmarks send what a browser would send after the same answer."""

import asyncio
import struct

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from bench.answer import header_extensions, level_octet, read_answer
from bench.packets import FULLBAND, WIDEBAND, Encoding, Packet
from ser_track.aiortc_internals.sdp import audio_level_id
from ser_track.rtp.header import read_header, read_packet

_ANSWER = "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 opus/48000/2\r\n"


async def _answer_of_aiortc() -> str:
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    theirs.addTransceiver("audio", direction="sendonly")
    await theirs.setLocalDescription(await theirs.createOffer())
    await ours.setRemoteDescription(RTCSessionDescription(theirs.localDescription.sdp, "offer"))
    await ours.setLocalDescription(await ours.createAnswer())
    sdp = ours.localDescription.sdp
    await asyncio.gather(ours.close(), theirs.close())
    return str(sdp)


async def test_an_answer_of_aiortc_agrees_to_audio_levels_and_to_fullband() -> None:
    sdp = await _answer_of_aiortc()
    answer = read_answer(sdp)
    assert answer.level_id == audio_level_id(sdp)
    assert answer.mid_id not in {None, answer.level_id}
    assert answer.encoding == FULLBAND


@pytest.mark.parametrize(
    ("parameters", "encoding"),
    [
        ("useinbandfec=1", FULLBAND),
        ("maxplaybackrate=48000;useinbandfec=1", FULLBAND),
        ("useinbandfec=1;maxplaybackrate=16000", WIDEBAND),
        ("maxplaybackrate=16000; maxaveragebitrate=24000", Encoding("wideband", 24_000)),
        ("maxaveragebitrate=40000", Encoding("fullband", 40_000)),
    ],
)
def test_the_answer_decides_how_callers_encode(parameters: str, encoding: Encoding) -> None:
    assert read_answer(f"{_ANSWER}a=fmtp:96 {parameters}\r\n").encoding == encoding


def test_an_answer_that_no_packets_are_prepared_for_is_refused() -> None:
    with pytest.raises(ValueError, match="maxplaybackrate=8000"):
        read_answer(f"{_ANSWER}a=fmtp:96 maxplaybackrate=8000\r\n")
    with pytest.raises(ValueError, match="no Opus"):
        read_answer("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:0 PCMU/8000\r\n")


@pytest.mark.parametrize(("packet", "voice"), [(Packet(b"speech", 31), True), (Packet(b"-", 127), False)])
def test_levels_are_read_by_aiortc_and_by_us(packet: Packet, voice: bool) -> None:
    extension = header_extensions("12", 3, 5)[level_octet(packet)]
    datagram = struct.pack("!BBHII", 0x90, 96, 1, 960, 7) + extension + packet.payload
    ids = HeaderExtensionsMap()
    uris = {3: "urn:ietf:params:rtp-hdrext:sdes:mid", 5: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
    ids.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(*each) for each in uris.items()]))
    parsed = RtpPacket.parse(datagram, ids)
    assert (parsed.extensions.mid, parsed.extensions.audio_level) == ("12", (voice, packet.level))
    assert parsed.payload == packet.payload
    header = read_header(datagram)
    assert header is not None
    arrival = read_packet(header, datagram, 5, now=0.0)
    assert (arrival.level, arrival.payload) == packet[::-1]
