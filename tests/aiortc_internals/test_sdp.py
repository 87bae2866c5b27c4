"""What our answers ask for, beside what aiortc writes into them."""

import pytest
from aiortc.sdp import SessionDescription

from ser_track.aiortc_internals.sdp import ask_for_speech, audio_level_id

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96 0\r\nc=IN IP4 0.0.0.0\r\n"
OPUS = "a=rtpmap:96 opus/48000/2\r\n"
WISHES = {"useinbandfec": 1, "maxplaybackrate": 16_000, "maxaveragebitrate": "24000"}
REST = "a=rtpmap:0 PCMU/8000\r\na=recvonly\r\n"


@pytest.mark.parametrize(
    ("fmtp", "parameters"),
    [
        ("", WISHES),
        ("a=fmtp:96 minptime=10\r\n", {"minptime": 10} | WISHES),
        ("a=fmtp:96 minptime=10;useinbandfec=0\r\n", {"minptime": 10} | WISHES | {"useinbandfec": 0}),
        ("a=fmtp:96 maxplaybackrate=48000\r\n", WISHES | {"maxplaybackrate": 48_000}),
    ],
)
def test_error_correction_and_speech_bandwidth_are_asked_for_unless_something_was_said_of_them(
    fmtp: str, parameters: dict[str, int | str]
) -> None:
    asked = ask_for_speech(HEAD + OPUS + fmtp + REST)
    opus, pcmu = SessionDescription.parse(asked).media[0].rtp.codecs
    assert opus.parameters == parameters
    assert pcmu.parameters == {}


def test_each_section_and_each_payload_type_is_asked_for_itself() -> None:
    second = "m=audio 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 opus/48000/2\r\n"
    second += "a=fmtp:96 minptime=10\r\na=rtpmap:97 opus/48000/2\r\na=sendrecv\r\n"
    first, other = SessionDescription.parse(ask_for_speech(HEAD + OPUS + REST + second)).media
    assert [codec.parameters for codec in first.rtp.codecs] == [WISHES, {}]
    assert [codec.parameters for codec in other.rtp.codecs] == [
        {"minptime": 10} | WISHES,
        WISHES,
    ]


def test_the_number_of_the_audio_level_is_found_where_it_was_agreed() -> None:
    level = "a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    assert audio_level_id(HEAD + OPUS + level + REST) == 4
    assert audio_level_id(HEAD + OPUS + REST) is None


def test_without_opus_nothing_changes() -> None:
    assert ask_for_speech(HEAD + REST) == HEAD + REST
