"""Which offers are refused, and what aiortc gets of those that are not."""

import re

import pytest
from aiortc.sdp import SessionDescription

from ser_track.aiortc_internals.offers import check_offer, read_offer
from ser_track.errors import BadRequestError

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
TRANSPORT = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'x' * 22}\r\n{FINGERPRINT}a=setup:actpass\r\n"
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n"
    f"a=rtpmap:96 opus/48000/2\r\n{TRANSPORT}"
)
DATA = f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=sctp-port:5000\r\n{TRANSPORT}"
NO_VIDEO = (
    "m=video 0 UDP/TLS/RTP/SAVPF 120 121\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:v\r\na=rtpmap:120 VP8/90000\r\n"
)
AV1 = f"m=video 9 UDP/TLS/RTP/SAVPF 45\r\na=mid:v\r\na=sendonly\r\na=rtpmap:45 AV1/90000\r\n{TRANSPORT}"


def offer(*sections: str, bundle: str | None = "0 1", head: str = "") -> str:
    group = "" if bundle is None else f"a=group:BUNDLE {bundle}\r\n"
    return "".join(["v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", group, head, *sections])


def sections(sdp: str) -> list[tuple[str, int]]:
    return [(kind, int(port)) for kind, port in re.findall(r"^m=(\w+) (\d+)", sdp, re.MULTILINE)]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ((NO_VIDEO, AUDIO, DATA), 0),
        ((AUDIO, NO_VIDEO, DATA), 1),
        ((AUDIO, DATA, NO_VIDEO), 2),
        ((AV1, AUDIO, DATA), 0),
        ((AUDIO, DATA, DATA.replace("mid:1", "mid:v")), 2),
        ((AUDIO, DATA, "m=application 9 UDP/BFCP *\r\na=mid:v\r\n"), 2),
        ((AUDIO, DATA, "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:v\r\n"), 2),
        ((AUDIO.replace("mid:0", "mid:v").replace("m=audio 9", "m=audio 0"), AUDIO, DATA), 0),
    ],
)
def test_what_is_rejected_is_kept_from_aiortc_and_answered_with_port_0(given: tuple[str, ...], at: int) -> None:
    sdp = offer(*given)
    check_offer(sdp)
    read = read_offer(sdp)
    assert [kind for kind, _ in sections(read.text)] == ["audio", "application"]
    answer = read.complete(offer(AUDIO.replace("sendonly", "recvonly"), DATA))
    wanted = [(media.kind, 0 if place == at else 9) for place, media in enumerate(SessionDescription.parse(sdp).media)]
    assert sections(answer) == wanted
    rejected = SessionDescription.parse(answer).media[at]
    original = SessionDescription.parse(sdp).media[at]
    assert (rejected.rtp.muxId, rejected.fmt, rejected.profile) == ("v", original.fmt, original.profile)
    assert rejected.direction == "inactive"


def test_a_rejected_section_leaves_the_bundle_and_the_next_one_carries_it() -> None:
    read = read_offer(offer(NO_VIDEO, AUDIO, DATA, bundle="v 0 1"))
    assert "a=group:BUNDLE 0 1\r\n" in read.text
    read = read_offer(offer(AUDIO, DATA.replace("m=application 9", "m=application 0"), bundle=r"0 1"))
    assert "a=group:BUNDLE 0\r\n" in read.text


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        (offer(AUDIO.replace("sendonly", "recvonly"), DATA), "recvonly"),
        (offer(AUDIO.replace("sendonly", "inactive"), DATA), "inactive"),
        (offer(AUDIO.replace("a=sendonly\r\n", ""), DATA, head="a=recvonly\r\n"), "recvonly"),
        (offer(AUDIO.replace("m=audio 9", "m=audio 0"), DATA), "port 0"),
        (offer(AUDIO.replace("opus/48000/2", "speex/8000"), DATA), "codec"),
        (offer(AUDIO.replace(FINGERPRINT, ""), DATA), "fingerprint"),
        (offer(AUDIO, DATA.replace(FINGERPRINT, "")), "fingerprint"),
        (offer(AUDIO.replace(FINGERPRINT, FINGERPRINT.replace("sha-256", "md5")), DATA), "fingerprint"),
        (offer(AUDIO.replace(":AB\r", "\r"), DATA), "fingerprint"),
        (offer(AUDIO.replace("a=setup:actpass\r\n", ""), DATA), "setup"),
        (offer(AUDIO.replace("a=ice-ufrag:abcd\r\n", ""), DATA), "ICE"),
        (offer(AUDIO, DATA, bundle="0 1 2"), "'2'"),
        (offer(AUDIO, DATA, bundle="x 0 1"), "'x'"),
        (offer(AUDIO, DATA, bundle="0 1 1"), "twice"),
        (offer(AUDIO, DATA, bundle="0", head="a=group:BUNDLE 1\r\n"), "several BUNDLE"),
        (offer(AUDIO, DATA.replace("mid:1", "mid:0")), "same mid"),
        (offer(AUDIO, AUDIO.replace("mid:0", "mid:2") * 8), "sections"),
        (offer(AUDIO + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 101, DATA), "candidates"),
        (offer(AUDIO + "a=candidate:1 1 udp 1 a-b.local 9 typ host\r\n" * 41, DATA), "names"),
        (offer(AUDIO, DATA).replace("\r\n", "\r"), "not valid SDP"),
        (offer(DATA, bundle="1"), "no audio section (it has: application)"),
    ],
)
def test_an_offer_that_brings_no_voice_or_cannot_be_connected_is_refused_with_the_reason(sdp: str, reason: str) -> None:
    with pytest.raises(BadRequestError, match=re.escape(reason)):
        check_offer(sdp)


@pytest.mark.parametrize(
    "sdp",
    [
        offer(AUDIO, DATA),
        offer(AUDIO, DATA).replace("\r\n", "\n"),
        offer(AUDIO, bundle=None),
        offer(AUDIO, DATA, bundle="1 0"),
        offer(AUDIO.replace("a=sendonly\r\n", ""), DATA),
        offer(AUDIO.replace("sendonly", "recvonly").replace("mid:0", "mid:2"), AUDIO, DATA, bundle="2 0 1"),
        offer(AUDIO.replace(FINGERPRINT, ""), DATA.replace(FINGERPRINT, ""), head=FINGERPRINT),
        offer(AUDIO.replace("sha-256", "SHA-256"), DATA),
    ],
)
def test_an_offer_that_can_be_heard_goes_to_aiortc_as_it_is(sdp: str) -> None:
    check_offer(sdp)
    assert read_offer(sdp).rejected == {}
    assert len(SessionDescription.parse(read_offer(sdp).text).media) == len(SessionDescription.parse(sdp).media)


def test_a_section_without_a_transport_of_its_own_gets_that_of_its_bundle() -> None:
    bare = AUDIO.replace("m=audio 9", "m=audio 0").replace(TRANSPORT, "a=bundle-only\r\n")
    sdp = offer(DATA, bare, bundle="1 0")
    check_offer(sdp)
    data, audio = SessionDescription.parse(read_offer(sdp).text).media
    assert (audio.ice, audio.dtls) == (data.ice, data.dtls)


def test_a_section_without_a_direction_sends_and_receives() -> None:
    (audio, _) = SessionDescription.parse(read_offer(offer(AUDIO.replace("a=sendonly\r\n", ""), DATA)).text).media
    assert audio.direction == "sendrecv"
