"""Bytes of RTP packets, as others make them (aiortc) and as they should not be."""

import struct

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from ser_track.rtp.header import Arrival, read_header, read_mid, read_packet

LEVEL_ID = 3
SPOKEN = b"\x78voice"


def read(data: bytes, level_id: int | None, now: float = 0.0) -> Arrival:
    header = read_header(data)
    assert header is not None
    return read_packet(header, data, level_id, now)


def packet(level: int | None = None, padding: int = 0, csrc: int = 0) -> bytes:
    made = RtpPacket(payload_type=96, sequence_number=65_000, timestamp=2**32 - 1, ssrc=77, payload=SPOKEN)
    made.csrc = list(range(csrc))
    made.padding_size = padding
    made.extensions.mid = "0"
    made.extensions.audio_level = None if level is None else (True, level)
    numbers = HeaderExtensionsMap()
    names = {1: "urn:ietf:params:rtp-hdrext:sdes:mid", LEVEL_ID: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
    known = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for number, uri in names.items()]
    numbers.configure(RTCRtpParameters(headerExtensions=known))
    return bytes(made.serialize(numbers))


@pytest.mark.parametrize("level", [None, 0, 40, 126])
@pytest.mark.parametrize(("padding", "csrc"), [(0, 0), (4, 0), (0, 2), (7, 3)])
def test_a_packet_is_read_as_it_was_made(level: int | None, padding: int, csrc: int) -> None:
    found = read(packet(level, padding, csrc), LEVEL_ID, 1.5)
    assert found == Arrival(77, 65_000, 2**32 - 1, SPOKEN, 1.5, level)


def test_a_level_that_was_not_negotiated_is_not_read() -> None:
    assert read(packet(40), None).level is None, "the number may mean something else"


def extended(profile: int, elements: bytes) -> bytes:
    elements += bytes(-len(elements) % 4)
    return packet()[:12] + struct.pack("!HH", profile, len(elements) // 4) + elements + SPOKEN


@pytest.mark.parametrize("profile", [0x1000, 0x1005, 0x100F])
def test_a_level_is_read_from_two_byte_headers_too(profile: int) -> None:
    elements = bytes([1, 1, 48, 0, 200, 0, LEVEL_ID, 1, 0x80 | 40])
    assert read(extended(profile, elements), LEVEL_ID) == Arrival(77, 65_000, 2**32 - 1, SPOKEN, 0.0, 40)
    assert read(extended(profile, elements), 200).level is None, "an element without data"
    assert read(extended(profile, elements), 9).level is None
    assert read(extended(profile, elements[:-1]), LEVEL_ID).level is None, "it is cut off"
    assert read(extended(0x2000, elements), LEVEL_ID).level is None


def test_nothing_is_read_after_the_number_that_ends_one_byte_headers() -> None:
    assert read(extended(0xBEDE, bytes([0xF0, 1, LEVEL_ID << 4, 40])), LEVEL_ID).level is None
    assert read(extended(0xBEDE, bytes([0x10, 1, LEVEL_ID << 4, 40])), LEVEL_ID).level == 40


@pytest.mark.parametrize(("padding", "csrc"), [(0, 0), (4, 2)])
def test_the_track_that_a_packet_names_is_read_as_it_was_made(padding: int, csrc: int) -> None:
    assert read_mid(packet(40, padding, csrc), 1) == "0"
    assert read_mid(packet(40, padding, csrc), 5) is None
    assert read_mid(packet()[:12], 1) is None, "it says that it has extensions, and ends"


def test_tracks_are_read_from_headers_of_either_length() -> None:
    assert read_mid(extended(0xBEDE, bytes([0, 0x20, 9, 0x12, *b"mid"])), 1) == "mid"
    assert read_mid(extended(0x1000, bytes([2, 0, 0, 200, 6, *b"longer"])), 200) == "longer"
    assert read_mid(extended(0xBEDE, bytes([0xF0, 9, 0x10, 48])), 1) is None, "nothing is read after 15"
    assert read_mid(extended(0xBEDE, bytes([0x17, *b"mid"])), 1) is None, "it is cut off"
    assert read_mid(extended(0x2000, bytes([0x10, 48])), 1) is None


@pytest.mark.parametrize("cut", range(13, len(packet(40, 0, 3))))
def test_a_packet_that_is_shorter_than_it_says_has_no_more_than_it_has(cut: int) -> None:
    found = read(packet(40, 0, 3)[:cut], LEVEL_ID)
    assert SPOKEN.startswith(found.payload)
    assert len(found.payload) < len(SPOKEN)


@given(st.binary(max_size=80))
def test_whatever_the_bytes_reading_them_raises_nothing(data: bytes) -> None:
    if read_header(b"\x90" + data) is not None:
        read(b"\x90" + data, LEVEL_ID)
        read_mid(b"\x90" + data, 1)
    read_header(data)


def test_only_rtp_is_taken() -> None:
    stun = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"x" * 12)
    dtls, rtcp = bytes([22, 254, 253]) + b"x" * 20, bytes([0x80, 200]) + b"x" * 20
    assert read_header(packet()) == (0x90, 96, 65_000, 2**32 - 1, 77)
    assert read_header(bytes([0x80, 96 | 0x80]) + b"x" * 20) is not None, "with the marker"
    assert not any(map(read_header, (stun, dtls, rtcp, b"", b"\x80")))
