"""Frames of bridges, as they are described and as a real one sent them."""

import json
from collections import Counter
from typing import Any

import pytest

from ser_track.errors import AudioError
from ser_track.mediajson.frames import Media, Ping, SessionEnded, SourceStarted, SourceStopped, pong, read_frame
from ser_track.rtp.opus_packet import packet_length
from tests.paths import SHARED

SAMPLE = SHARED / "jitsi" / "sample.jsonl"
MEDIA = {"tag": "a-1", "chunk": "7", "timestamp": "960", "payload": "eAvk"}
START = {"tag": "a-1", "mediaFormat": {"encoding": "opus", "sampleRate": 48000, "channels": 2}}


def frame(event: str, **body: Any) -> str:
    return json.dumps({"event": event, "sequenceNumber": "1", **body})


def test_a_source_starts_sends_and_stops() -> None:
    assert read_frame(frame("start", start=START)) == SourceStarted("a-1", "a-1", "opus", 48_000, 2)
    named = START | {"customParameters": {"endpointId": "a"}, "anything": {"else": 1}}
    assert read_frame(frame("start", start=named)) == SourceStarted("a-1", "a", "opus", 48_000, 2)
    assert read_frame(frame("media", media=MEDIA)) == Media("a-1", 7, 960, b"\x78\x0b\xe4", None)
    assert read_frame(frame("media", media=MEDIA | {"chunk": 7, "audioLevel": 127, "vad": False})) == Media(
        "a-1", 7, 960, b"\x78\x0b\xe4", 127
    )
    assert read_frame(frame("stop", stop={"tag": "a-1", "mediaInfo": {"bytesSent": "3"}})) == SourceStopped("a-1")
    assert read_frame(frame("session-end")) == SessionEnded()


@pytest.mark.parametrize(("given", "level"), [(0, 0), ("40", 40), (127, 127), (128, None), (-1, None), (None, None)])
def test_a_level_is_one_of_rfc_6464_or_none(given: object, level: int | None) -> None:
    read = read_frame(frame("media", media=MEDIA | {"audioLevel": given}))
    assert isinstance(read, Media)
    assert read.audio_level == level


def test_a_ping_is_answered_with_its_id() -> None:
    ping = read_frame(frame("ping", id=17))
    assert isinstance(ping, Ping)
    assert json.loads(pong(ping)) == {"event": "pong", "id": 17}


@pytest.mark.parametrize("event", ["info", "sources", "dtmf", "", "7"])
def test_what_is_not_known_is_passed_over(event: str) -> None:
    assert read_frame(frame(event, exports=[], x=1)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "null",
        "{}",
        "[" * 100_000,
        frame("media"),
        frame("media", media=MEDIA | {"payload": "?"}),
        frame("media", media=MEDIA | {"payload": None}),
        frame("media", media=MEDIA | {"chunk": "x"}),
        frame("media", media=MEDIA | {"chunk": float("inf")}),
        frame("media", media=[]),
        frame("media", media=MEDIA | {"tag": 7}),
        frame("start", start=START | {"mediaFormat": {"encoding": "opus", "sampleRate": 1}}),
        frame("start", start=START | {"customParameters": {"endpointId": 7}}),
        frame("start", start=START | {"customParameters": [1]}),
        frame("start", start=START | {"customParameters": {"mediaTime": True}}),
        frame("stop", stop={}),
    ],
)
def test_what_is_no_frame_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(AudioError, match="MediaJson"):
        read_frame(text)


@pytest.mark.shared
def test_every_frame_of_a_real_bridge_is_read() -> None:
    if not SAMPLE.exists():
        pytest.skip("the recording of a bridge lies beside the repository, and is not there")
    frames = [read_frame(json.loads(line)["data"]) for line in SAMPLE.read_text().splitlines()]
    assert Counter(type(each) for each in frames) == {Media: 2125, SourceStarted: 2}
    packets = [each for each in frames if isinstance(each, Media)]
    assert {packet_length(each.payload) for each in packets} == {960}, "20 ms of Opus each"
