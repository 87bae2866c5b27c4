"""Texts from outside: offers, MediaJson, bodies of requests, messages on data channels."""

import asyncio
import json
import math
from typing import Any, Final
from unittest.mock import Mock

import numpy as np
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from aiortc.sdp import SessionDescription

from fuzz.reasons import require_reason
from ser_track.aiortc_internals.offers import check_offer, read_offer
from ser_track.aiortc_internals.sdp import ask_for_speech, audio_level_id
from ser_track.errors import AudioError, BadRequestError, SerTrackError
from ser_track.mediajson.frames import Media, Ping, SourceStarted, pong, read_frame
from ser_track.mediajson.source import MediaSource
from ser_track.meetings.json_messages import parse_object, read_consent
from ser_track.rtp.header import Arrival
from ser_track.web.requests import flag, read_object, text

SDP_WORDS: Final = (
    b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
    b"m=video 0 UDP/TLS/RTP/SAVPF 96\r\n",
    b"a=recvonly\r\n",
    b"a=sendrecv\r\n",
    b"a=mid:0\r\n",
    b"a=group:BUNDLE 0 1 7\r\n",
    b"a=rtpmap:111 opus/48000/2\r\n",
    b"a=fmtp:111 \r\n",
    b"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
    b"a=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\n",
    b"a=setup:actpass\r\n",
    b"a=fingerprint:sha-256 00\r\n",
    b"\xff\xfe",
)
JSON_WORDS: Final = (b"[" * 40, b'{"', b"null", b"true", b"1e400", b'"\\ud800"', b"\\u0000", b"\xef\xbb\xbf", b"\xff")
TYPE_WORDS: Final = (b"; charset=", b"utf-16", b"idna", b"punycode", b"*=''%00", b"\n")
_MAX_TIME_SAMPLES: Final = 1 << 41


def offer(data: bytes) -> None:
    """It is refused with a reason, or what the answer would ask for can be said of it."""
    sdp = data.decode("utf-8", "replace")
    try:
        check_offer(sdp)
        taken = read_offer(sdp)
        assert SessionDescription.parse(taken.text).media
        assert taken.complete("v=0\r\n").startswith("v=0")
    except BadRequestError as error:
        require_reason(error)
    # Both read answers, whose text has much of the offer's in it.
    asked = ask_for_speech(sdp)
    assert len(asked) >= len(sdp)
    level_id = audio_level_id(sdp)
    assert level_id is None or level_id >= 0


def mediajson(data: bytes) -> None:
    """Frames, one a line, of a live bridge."""
    sources: dict[str, MediaSource] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        try:
            frame = read_frame(line)
            if isinstance(frame, SourceStarted):
                sources[frame.tag] = MediaSource(frame, len(sources))
            elif isinstance(frame, Media) and frame.tag in sources:
                _check_media(sources[frame.tag], frame)
            elif isinstance(frame, Ping):
                json.loads(pong(frame))
        except AudioError as error:
            require_reason(error)


def _check_media(source: MediaSource, frame: Media) -> None:
    for each in source.read(frame, 1.0):
        if isinstance(each, Arrival):
            assert 0 <= each.sequence < 1 << 16
            assert 0 <= each.timestamp < 1 << 32
        else:
            assert np.isfinite(each.samples).all()
            assert abs(each.at) < _MAX_TIME_SAMPLES


def body(data: bytes) -> None:
    """The first line is the Content-Type, the rest is the body of a request."""
    kind, _, content = data.partition(b"\n")
    asyncio.run(_body(kind.decode("latin-1"), content))


async def _body(kind: str, content: bytes) -> None:
    payload = StreamReader(Mock(_reading_paused=False), 1 << 16, loop=asyncio.get_running_loop())
    payload.feed_data(content)
    payload.feed_eof()
    request = make_mocked_request("POST", "/offer", {"Content-Type": kind}, payload=payload)
    try:
        _check_finite(found := await read_object(request))
        text(found, "sdp"), flag(found, "consent")
    except (SerTrackError, web.HTTPException) as error:
        require_reason(error)


def channel(data: bytes) -> None:
    """A message of a participant: an answer, or refused."""
    try:
        _check_finite(message := parse_object(data.decode("utf-8", "replace")))
        assert isinstance(read_consent(message), bool)
    except BadRequestError as error:
        require_reason(error)


def _check_finite(value: Any) -> None:
    """What is passed on to pages must be JSON there too. Iterative: the input may be nested."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                waiting += found.values()
            case list() as listed:
                waiting += listed
            case float() as number:
                assert math.isfinite(number)
