"""What our answers ask for, beside what aiortc writes into them."""

import pytest
from aiortc.sdp import SessionDescription

from ser_track.meetings.sdp import ask_for_correction

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96 0\r\nc=IN IP4 0.0.0.0\r\n"
OPUS = "a=rtpmap:96 opus/48000/2\r\n"
REST = "a=rtpmap:0 PCMU/8000\r\na=recvonly\r\n"


@pytest.mark.parametrize(
    ("fmtp", "parameters"),
    [
        ("", {"useinbandfec": 1}),
        ("a=fmtp:96 minptime=10\r\n", {"minptime": 10, "useinbandfec": 1}),
        ("a=fmtp:96 minptime=10;useinbandfec=0\r\n", {"minptime": 10, "useinbandfec": 0}),
    ],
)
def test_forward_error_correction_is_asked_for_unless_something_was_said_of_it(
    fmtp: str, parameters: dict[str, int]
) -> None:
    asked = ask_for_correction(HEAD + OPUS + fmtp + REST)
    opus, pcmu = SessionDescription.parse(asked).media[0].rtp.codecs
    assert opus.parameters == parameters
    assert pcmu.parameters == {}


def test_without_opus_nothing_changes() -> None:
    assert ask_for_correction(HEAD + REST) == HEAD + REST
