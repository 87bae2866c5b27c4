"""What a caller reads in the server's answer, to send what a browser would send."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from bench.packets import DTX_BYTES, FULLBAND, WIDEBAND, Encoding, Packet

_MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_WIDEBAND_HZ: Final = 16_000
_ONE_BYTE_HEADERS: Final = b"\xbe\xde"
_VOICE: Final = 0x80


@dataclass(frozen=True)
class Answer:
    """What was negotiated for the audio."""

    payload_type: int
    encoding: Encoding
    mid_id: int | None
    level_id: int | None
    """Ids of the header extensions for the section's name and the audio level (RFC 6464); `None` if refused."""


def read_answer(sdp: str) -> Answer:
    """Read an SDP answer with one audio section.

    Raises:
        ValueError: it has no Opus, or limits Opus to a bandwidth for which no packets are prepared.
    """
    opus = re.search(r"^a=rtpmap:(\d+) opus/", sdp, re.MULTILINE | re.IGNORECASE)
    if opus is None:
        raise ValueError("the answer has no Opus: the callers can send nothing else")
    line = re.search(rf"^a=fmtp:{opus[1]} (.*?)\r?$", sdp, re.MULTILINE)
    named = dict(re.findall(r"([\w-]+)=(\d+)", line[1] if line else ""))
    extensions = {uri: int(number) for number, uri in re.findall(r"^a=extmap:(\d+)(?:/\w+)? (\S+)", sdp, re.MULTILINE)}
    return Answer(int(opus[1]), _encoding(named), extensions.get(_MID), extensions.get(_LEVEL))


def _encoding(parameters: dict[str, str]) -> Encoding:
    """As libwebrtc chooses it for mono: the bandwidth by ``maxplaybackrate``, and the bit rate that goes with it."""
    rate_hz = int(parameters.get("maxplaybackrate", 48_000))
    if rate_hz != _WIDEBAND_HZ and rate_hz <= 24_000:
        raise ValueError(f"the answer has maxplaybackrate={rate_hz}; prepare packets for it in bench/packets.py")
    encoding = WIDEBAND if rate_hz == _WIDEBAND_HZ else FULLBAND
    if "maxaveragebitrate" in parameters:
        encoding = replace(encoding, bit_rate=int(parameters["maxaveragebitrate"]))
    return encoding


@cache
def header_extensions(mid: str, mid_id: int, level_id: int) -> tuple[bytes, ...]:
    """Name of the section and audio level, as browsers put them into RTP headers (RFC 8285, 4.2), by `level_octet`."""
    named = bytes([mid_id << 4 | len(mid) - 1]) + mid.encode()
    return tuple(_block(named + bytes([level_id << 4, octet])) for octet in range(256))


def level_octet(packet: Packet) -> int:
    """The audio level with the voice bit above it, which libwebrtc sets unless the encoder does DTX."""
    return packet.level | (_VOICE if len(packet.payload) > DTX_BYTES else 0)


def _block(elements: bytes) -> bytes:
    elements += bytes(-len(elements) % 4)
    return _ONE_BYTE_HEADERS + (len(elements) // 4).to_bytes(2, "big") + elements
