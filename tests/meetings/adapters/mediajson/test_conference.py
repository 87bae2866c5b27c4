"""A real bridge's recording through the real endpoint, and what other senders of MediaJson do."""

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import WSServerHandshakeError

from ser_track.chunk import FloatArray
from ser_track.config.schema import Config
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.mediajson_bridge import Bridge, opus_packets
from tests.helpers.peer import FRAME_SAMPLES, RATE_HZ
from tests.paths import SHARED, SPOKEN
from tests.web.conftest import Running

SAMPLE = SHARED / "jitsi" / "sample.jsonl"
Events = list[dict[str, Any]]


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent="notice", linger_s=1.0))


@pytest_asyncio.fixture
async def bridge(server: Running, no_blocking: None) -> AsyncIterator[Bridge]:
    async with Bridge(server.http, server.url, "conference", sendBackInterim="true") as client:
        yield client


async def events_of_the_only_meeting(server: Running) -> Events:
    """All so far, from the first."""
    (session,) = server.bot.meetings.present
    entries = session.channel.log.after(0)
    assert entries is not None
    events = [json.loads(entry.encoded.text) for entry in entries]
    for event in events:
        VALIDATOR.validate(event)
    return events


async def happened(server: Running, kind: str, timeout_s: float = 20, **fields: Any) -> dict[str, Any]:
    """The first event of this kind with these fields, past or to come."""
    async with asyncio.timeout(timeout_s):
        while True:
            (session,) = server.bot.meetings.present
            seen = session.channel.log.last
            for event in await events_of_the_only_meeting(server):
                if event["type"] == kind and fields.items() <= event.items():
                    return event
            await session.channel.log.news(seen)


def metric(text: str, name: str) -> float:
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


@pytest.fixture
def spoken_packets() -> list[bytes]:
    """The recording and a second of silence, as a browser would send it."""
    return opus_packets(SPOKEN)


class TestRecordingOfARealBridge:
    @pytest.mark.slow
    @pytest.mark.shared
    async def test_it_gives_the_same_at_recorded_and_at_full_speed(self, server: Running, no_blocking: None) -> None:
        if not SAMPLE.exists():
            pytest.skip("the recording of a bridge lies beside the repository, and is not there")
        recording = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
        told = {}
        for speed in (1.0, 0.0):
            async with server.http.ws_connect(f"{server.url}/mediajson?sessionId=speed+{speed}") as socket:
                begun, first_ms = time.monotonic(), recording[0]["timestamp"]
                for frame in recording:
                    if speed:
                        await asyncio.sleep(begun + (frame["timestamp"] - first_ms) / 1000 - time.monotonic())
                    await socket.send_str(frame["data"])
                session = next(s for s in server.bot.meetings.present if str(speed) in s.where)
                await socket.send_json({"event": "session-end"})
                async for _ in socket:  # what comes back, to the end
                    pass
            entries = session.channel.log.after(0)
            assert entries is not None
            told[speed] = [json.loads(entry.encoded.text) for entry in entries]
        assert _segments(told[1.0]) == _segments(told[0.0])
        assert _labels(told[1.0]) == _labels(told[0.0])
        for events in told.values():
            joined = [event["name"] for event in events if event["type"] == "joined"]
            assert joined == ["aaaaaaaa", "bbbbbbbb"]
            assert [event for event in events if event["type"] in ("stalled", "error")] == []
        text = await (await server.http.get(f"{server.url}/metrics")).text()
        assert metric(text, "ser_track_packets") == 2 * 2125
        for lost in ("lost", "late", "broken", "duplicate"):
            assert metric(text, f"ser_track_packets_{lost}") == 0
        assert metric(text, "ser_track_decoded_seconds") == pytest.approx(2 * 2125 * 0.02)
        # 31.96 s between two packets of 20 ms, and 0.14 s: what was not sent is silence, as long as it was.
        assert metric(text, "ser_track_silent_seconds") == pytest.approx(2 * (31.94 + 0.12), abs=0.01)
        assert metric(text, "ser_track_dropped_audio_seconds") == 0
        assert server.bot.live.streams == set()


def _segments(events: Events) -> list[tuple[Any, ...]]:
    names = {event["participant"]: event["name"] for event in events if event["type"] == "joined"}
    ended = [event for event in events if event["type"] == "speech_ended"]
    return sorted((names[e["participant"]], e["segment"], e["start_s"], e["end_s"], e["classified"]) for e in ended)


def _labels(events: Events) -> list[tuple[Any, ...]]:
    names = {event["participant"]: event["name"] for event in events if event["type"] == "joined"}
    finals = [event for event in events if event["type"] == "emotion" and event["final"]]
    return sorted((names[e["participant"]], e["segment"], e["label"], e["probabilities"]["anger"]) for e in finals)


async def test_results_go_back_readable_and_complete(
    bridge: Bridge, server: Running, spoken_packets: list[bytes]
) -> None:
    await bridge.start("a")
    await bridge.speak("a", spoken_packets)
    message = await bridge.wait_for(type="transcription-result", is_interim=False, participant={"id": "a"})
    notice = message["ser_track"]
    assert notice["type"] == "notice"
    assert notice["url"] in message["transcript"][0]["text"], "the notice comes first"
    await happened(server, "emotion", final=True)
    await bridge.ping()
    final = next(each for each in bridge.messages if each.get("ser_track", {}).get("final"))
    event = final["ser_track"]
    VALIDATOR.validate(event)
    assert final["is_interim"] is False
    (transcript,) = final["transcript"]
    assert transcript["confidence"] == event["confidence"]
    assert event["voice_known"] == 0, "the first words of a stream"
    assert re.fullmatch(rf"\[learning this voice; (perhaps {event['label']}, \d+% sure|unsure)\]", transcript["text"])
    assert abs(final["timestamp"] / 1000 - time.time()) < 30


async def test_pings_are_answered_and_what_is_not_known_is_passed_over(
    bridge: Bridge, server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await bridge.send("info", anything=[1, {"x": None}])
    await bridge.send("sources", exports=[], requests=[])
    await bridge._socket.send_str("no JSON")
    await bridge._socket.send_bytes(b"\0")
    await bridge.send("media", media={"tag": "nobody", "chunk": "0", "timestamp": "0", "payload": "/A=="})
    await bridge.send("ping", id=7)
    assert await bridge.wait_for(event="pong") == {"event": "pong", "id": 7}
    assert bridge.close_code is None
    assert "not MediaJson" in caplog.text, "a fault is told"
    assert "audio of 'nobody' is skipped" in caplog.text


async def test_a_stop_ends_the_stream_with_its_last_words_and_the_participant_leaves(
    bridge: Bridge, server: Running, spoken_packets: list[bytes]
) -> None:
    await bridge.start("a")
    await bridge.speak("a", spoken_packets[:100])
    await bridge.stop("a")
    left = await happened(server, "left")
    assert left["reason"] == "their source stopped"
    events = await events_of_the_only_meeting(server)
    kinds = [event["type"] for event in events if event.get("participant") == left["participant"]]
    assert kinds[0] == "joined"
    assert kinds[-1] == "left"
    assert {"speech_started", "speech_ended", "emotion"} <= set(kinds)


async def test_several_bridges_send_one_session_and_several_sessions_are_apart(
    bridge: Bridge, server: Running, spoken_packets: list[bytes]
) -> None:
    async with Bridge(server.http, server.url, "another", sendBackInterim="true") as other:
        async with Bridge(server.http, server.url, "conference", sendBackInterim="true") as second:
            for client, endpoint in ((bridge, "a"), (second, "b"), (other, "c")):
                await client.start(endpoint)
                await client.speak(endpoint, spoken_packets[:150])
            for client, endpoint in ((bridge, "a"), (second, "b"), (other, "c")):
                await client.wait_for(type="transcription-result", is_interim=True)
                told = {each["participant"]["id"] for each in client.messages if "transcript" in each}
                assert told == {endpoint}, "results go back where their speaker came from"
            wheres = [session.where for session in server.bot.meetings.present]
            assert sorted(wheres) == ["mediajson session another", "mediajson session conference"]
            session = next(each for each in server.bot.meetings.present if each.where.endswith("conference"))
            attendee = next(one for one in session.roster.people.values() if one.name == "b")
            session.roster.answered(attendee, analysed=False)
        # One bridge of two has gone, and comes back: the meeting is the same, and so is what was answered in it.
        async with Bridge(server.http, server.url, "conference") as second:
            await second.start("b")
            await second.ping()
            (again,) = (one for one in session.roster.people.values() if one.name == "b" and not one.leaving)
            assert again is not attendee
            assert not again.analysed


async def test_a_session_without_a_bridge_is_over_after_a_while(bridge: Bridge, server: Running) -> None:
    (session,) = server.bot.meetings.present
    await bridge.__aexit__()
    async with asyncio.timeout(10):
        await session.ended()
    assert session.reason is not None
    assert "no bridge" in session.reason


async def test_a_bridge_whose_meeting_the_bot_was_called_back_from_does_not_bring_it_back(
    server: Running, no_blocking: None, spoken_packets: list[bytes]
) -> None:
    async with Bridge(server.http, server.url, "again", sendBackInterim="true") as bridge:
        await bridge.start("a")
        await bridge.ping()
        (session,) = server.bot.meetings.present
        (attendee,) = session.roster.people.values()
        session.roster.answered(attendee, analysed=False)
        async with server.http.delete(f"{server.url}/meetings/{session.id}") as response:
            assert response.status == 204
        await bridge.closed()
    with pytest.raises(WSServerHandshakeError) as refused:
        await server.http.ws_connect(f"{server.url}/mediajson?sessionId=again")
    assert refused.value.status == 409
    assert server.bot.meetings.present == []
    # Asked for anew, by whoever runs the conference, within the time that it is remembered: so are the answers.
    server.bot.meetings._memories["mediajson session again"].called_back = False
    async with Bridge(server.http, server.url, "again") as bridge:
        await bridge.start("a")
        await bridge.ping()
        (session,) = server.bot.meetings.present
        (attendee,) = session.roster.people.values()
        assert not attendee.analysed


async def test_who_wants_no_results_gets_none(server: Running, spoken_packets: list[bytes], no_blocking: None) -> None:
    async with Bridge(server.http, server.url, "quiet", sendBack="false") as bridge:
        await bridge.start("a")
        await bridge.speak("a", spoken_packets)
        await happened(server, "emotion", final=True)
        await bridge.ping()
        assert {message["event"] for message in bridge.messages} == {"pong"}


async def test_provisional_results_are_for_who_asks(
    server: Running, spoken_packets: list[bytes], no_blocking: None
) -> None:
    async with Bridge(server.http, server.url, "finals") as bridge:
        await bridge.start("a")
        await bridge.speak("a", spoken_packets)
        await happened(server, "emotion", final=False)
        await happened(server, "emotion", final=True)
        await bridge.ping()
        assert {each["is_interim"] for each in bridge.messages if "transcript" in each} == {False}
        assert any(each["ser_track"]["type"] == "emotion" for each in bridge.messages if "transcript" in each)


@pytest.mark.parametrize(("encoding", "rate_hz"), [("PCM16", 16_000), ("audio/x-mulaw", 8_000), ("ALAW", 8_000)])
async def test_senders_without_opus_are_heard(
    encoding: str, rate_hz: int, bridge: Bridge, server: Running, spoken: FloatArray
) -> None:
    samples = np.concatenate([spoken, np.zeros(RATE_HZ, np.float32)])[:: RATE_HZ // rate_hz]
    pcm = (samples * 32767).astype(np.int16)
    codecs = {"PCM16": "pcm_s16le", "audio/x-mulaw": "pcm_mulaw", "ALAW": "pcm_alaw"}
    encoder = av.CodecContext.create(codecs[encoding], "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", "s16"
    media_format = {"encoding": encoding, "sampleRate": rate_hz}
    await bridge.send("start", start={"tag": "a", "mediaFormat": media_format})
    size = FRAME_SAMPLES * rate_hz // RATE_HZ
    for number, at in enumerate(range(0, len(pcm) - size + 1, size)):
        frame = av.AudioFrame.from_ndarray(pcm[None, at : at + size], "s16", "mono")
        frame.sample_rate = rate_hz
        for packet in encoder.encode(frame):
            payload = base64.b64encode(bytes(packet)).decode()
            await bridge.send(
                "media", media={"tag": "a", "chunk": number, "timestamp": 20 * number, "payload": payload}
            )
    await happened(server, "emotion", final=True)
    assert [event for event in await events_of_the_only_meeting(server) if event["type"] == "error"] == []


async def test_an_encoding_that_is_not_known_is_a_fault_of_that_source(bridge: Bridge, server: Running) -> None:
    await bridge.start("a", "g729")
    fault = await happened(server, "error", code="audio_unusable")
    assert "'g729'" in fault["message"]
    assert "opus" in fault["message"]


class TestRequired:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, meetings=replace(base.meetings, consent="required"))

    async def test_nobody_is_analysed_who_has_not_agreed(
        self, bridge: Bridge, server: Running, spoken_packets: list[bytes]
    ) -> None:
        await bridge.start("a")
        await bridge.speak("a", spoken_packets)
        text = await (await server.http.get(f"{server.url}/metrics")).text()
        assert metric(text, "ser_track_audio_seconds_total") == 0
        kinds = {event["type"] for event in await events_of_the_only_meeting(server)}
        assert kinds == {"meeting", "notice", "joined"}


@pytest.mark.parametrize("query", [{}, {"sessionId": ""}, {"sessionId": "x" * 201}, {"sessionId": "a\nb"}])
async def test_a_bridge_that_names_no_session_is_refused(query: dict[str, str], server: Running) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await server.http.ws_connect(f"{server.url}/mediajson", params=query)
    assert refused.value.status == 400
    assert server.bot.meetings.present == []
