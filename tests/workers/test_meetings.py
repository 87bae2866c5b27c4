"""Meetings on other servers with workers: bridges that connect, and what programs and people ask about them."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientPayloadError, ClientResponse, WSCloseCode, WSMsgType, WSServerHandshakeError

from ser_track.config.schema import Config
from ser_track.workers.process import WorkerProcess
from tests.helpers.mediajson_events_bridge import Bridge, spoken_packets
from tests.helpers.peer import RecordingTrack
from tests.helpers.whip_sender import WhipSender, fragment_of
from tests.paths import SPOKEN
from tests.workers.conftest import SOON_S, Front

Connect = Callable[..., Awaitable[Bridge]]
SPOKEN_PACKETS = spoken_packets()


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, meetings=replace(config.meetings, consent="notice"))


@pytest_asyncio.fixture
async def connect(front: Front) -> AsyncIterator[Connect]:
    """Connects bridges; they go at the end."""
    bridges: list[Bridge] = []

    async def one(session: str, **how: Any) -> Bridge:
        bridges.append(await Bridge.open(front.http, front.url, session, **how))
        return bridges[-1]

    yield one
    for bridge in bridges:
        await bridge.close()


def worker_with(front: Front, session: str) -> WorkerProcess:
    place = f"mediajson session {session}"
    return next(w for w in front.workers.placement.workers if place in front.workers.placement.meetings.on(w))


def kill(worker: WorkerProcess, number: signal.Signals = signal.SIGKILL) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, number)


async def ask(front: Front, path: str, method: str = "GET", **how: Any) -> tuple[int, Any]:
    async with front.http.request(method, front.url + path, **how) as response:
        return response.status, json.loads(await response.text() or "null")


async def meeting_of(front: Front, session: str) -> dict[str, Any]:
    """As it is listed."""
    status, listed = await ask(front, "/meetings")
    assert status == 200
    found: dict[str, Any] = next(each for each in listed["meetings"] if each["where"].endswith(f" {session}"))
    return found


async def next_event(stream: ClientResponse) -> dict[str, str]:
    """The fields of the next event of a stream; empty at its end."""
    while True:
        async with asyncio.timeout(SOON_S):
            lines = []
            while (line := (await stream.content.readline()).decode().rstrip("\n")) != "":
                lines.append(line)
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        if fields or stream.content.at_eof():
            return fields  # a heartbeat has none


async def until_event(stream: ClientResponse, kind: str) -> dict[str, Any]:
    while (event := await next_event(stream)).get("event") != kind:
        assert event, f"the stream ended without {kind}"
    data: dict[str, Any] = json.loads(event["data"])
    return data


async def test_all_bridges_of_a_session_come_to_one_worker_also_at_once_and_sessions_are_spread(
    front: Front, connect: Connect
) -> None:
    first, second, _ = await asyncio.gather(connect("one"), connect("one"), connect("two"))
    assert worker_with(front, "one") is not worker_with(front, "two")
    await asyncio.gather(first.start("ann"), second.start("ben"))
    await asyncio.gather(first.ping(), second.ping())
    listed = (await ask(front, "/meetings"))[1]["meetings"]
    assert sorted((each["where"], each["participants"]) for each in listed) == [
        ("mediajson session one", 2),
        ("mediajson session two", 0),
    ]
    third = await connect("one")
    await third.start("cem")
    await third.ping()
    assert (await meeting_of(front, "one"))["participants"] == 3


async def test_results_go_back_to_the_bridge_and_out_to_programs_as_they_come(front: Front, connect: Connect) -> None:
    bridge, _ = await connect("one"), await connect("two")
    meeting = await meeting_of(front, "one")
    events = front.url + meeting["events"]
    async with front.http.get(events) as stream, front.http.ws_connect(events) as socket:
        assert (stream.status, stream.content_type) == (200, "text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert (await next_event(stream))["event"] == "snapshot"
        assert (await socket.receive_json(timeout=SOON_S))["type"] == "snapshot"
        await bridge.start("ann")
        joined = await until_event(stream, "joined")
        assert joined["name"] == "ann"
        assert (await socket.receive_json(timeout=SOON_S))["data"] == joined
        await bridge.say("ann", SPOKEN_PACKETS)
        final = await bridge.wait_for("emotion", final=True)
        assert final["participant"] == joined["participant"]
        while (told := await until_event(stream, "emotion"))["final"] is False:
            pass
        assert told == final
        assert await ask(front, f"/meetings/{meeting['id']}", "DELETE") == (204, None)
        assert (await until_event(stream, "meeting"))["state"] == "left"
        assert await next_event(stream) == {}, "a proper end"
        async with asyncio.timeout(SOON_S):
            while (message := await socket.receive()).type is WSMsgType.TEXT:
                last = json.loads(message.data)
        assert (last["type"], last["data"]["state"], socket.close_code) == ("meeting", "left", 1000)
    status, after = await ask(front, f"/meetings/{meeting['id']}")
    assert (status, after["state"], after["reason"]) == (200, "left", "the bot was called back")
    async with front.http.get(events, headers={"Last-Event-ID": str(last["id"] - 1)}) as again:
        assert (await next_event(again))["id"] == str(last["id"])
        assert await next_event(again) == {}


async def test_the_link_of_the_notice_leads_through_the_front_to_the_right_worker(
    front: Front, connect: Connect
) -> None:
    for session in ("one", "two"):
        bridge = await connect(session)
        await bridge.start("ann")
        url: str = (await bridge.wait_for("notice"))["url"]
        assert url.startswith(f"{front.url}/meetings/m-")
        path = url.removeprefix(front.url)
        status, people = await ask(front, f"{path}/participants")
        (ann,) = people["participants"]
        assert (status, ann["name"], ann["analysed"]) == (200, "ann", True)
        refusal = {"participant": ann["participant"], "analysed": False}
        assert (await ask(front, f"{path}/answer", "POST", json=refusal))[0] == 200
        assert (await meeting_of(front, session))["analysed"] == 0
        foreign = {"Origin": "https://elsewhere.example"}
        assert (await ask(front, f"{path}/answer", "POST", json=refusal, headers=foreign))[0] == 403


async def test_whip_senders_of_one_meeting_come_to_one_worker_with_all_headers_that_they_need(front: Front) -> None:
    senders = [WhipSender(front.http, front.url, "studio") for _ in range(2)]
    for sender, name in zip(senders, ("ann", "bob"), strict=True):
        await sender.publish(RecordingTrack(SPOKEN, seconds=0), name)
        assert sender.session.startswith(f"{front.url}/whip/studio/")
        assert {person["name"] for person in (await sender.page())["participants"]} >= {name}
    assert (await meeting_of(front, "studio"))["participants"] == 2
    async with senders[0].patch(fragment_of(senders[0].offer), senders[0].etag) as response:
        assert response.status == 204
    async with front.http.options(senders[0].endpoint) as response:
        assert (response.status, response.headers["Accept-Post"]) == (204, "application/sdp")
    assert [await sender.close() for sender in senders] == [200, 200]


async def test_refusals_are_those_of_a_single_process(front: Front, connect: Connect) -> None:
    await connect("one")
    meeting = (await meeting_of(front, "one"))["id"]
    unknown = {"code": "not_found", "message": "there is no meeting 'm-x'; GET /meetings lists all meetings"}
    for path in ("", "/events", "/notice", "/notice/participants"):
        assert await ask(front, f"/meetings/m-x{path}") == (404, {"error": unknown})
    assert await ask(front, "/meetings/m-x", "DELETE") == (404, {"error": unknown})
    with pytest.raises(WSServerHandshakeError) as handshake:
        await front.http.ws_connect(f"{front.url}/meetings/{meeting}/events?last_event_id=x")
    assert handshake.value.status == 400
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    status, refused = await ask(front, f"/meetings/{meeting}/events?last_event_id=x", headers=upgrade | key)
    assert (status, "Last-Event-ID" in refused["error"]["message"]) == (400, True)
    status, refused = await ask(front, "/mediajson", headers=upgrade | key)
    assert (status, "sessionId" in refused["error"]["message"]) == (400, True)
    assert (await ask(front, "/mediajson?sessionId=two"))[0] == 400
    assert [each["where"] for each in (await ask(front, "/meetings"))[1]["meetings"]] == ["mediajson session one"]
    status, refused = await ask(front, "/meetings", "POST", json={"server": "nothing"})
    assert (status, "('server') must be one of" in refused["error"]["message"]) == (400, True)
    target = {"server": "janus", "url": "ws://127.0.0.1:1", "room": 1}
    status, refused = await ask(front, "/meetings", "POST", json=target)
    assert (status, "meetings.allowed_targets" in refused["error"]["message"]) == (403, True)


async def test_a_killed_workers_streams_end_at_once_and_its_bridge_is_given_another(
    front: Front, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    bridge, other = await connect("one"), await connect("two")
    await bridge.start("ann")
    meeting = await meeting_of(front, "one")
    events = front.url + meeting["events"]
    async with front.http.get(events) as stream, front.http.ws_connect(events) as socket:
        await until_event(stream, "snapshot")
        kill(worker_with(front, "one"))
        assert await bridge.close_code() == WSCloseCode.SERVICE_RESTART
        with pytest.raises(ClientPayloadError):
            await until_event(stream, "meeting: it must not seem to be over")
        while (await socket.receive(timeout=SOON_S)).type is WSMsgType.TEXT:
            pass
        assert socket.close_code == WSCloseCode.SERVICE_RESTART
    status, gone = await ask(front, f"/meetings/{meeting['id']}")
    assert (status, gone["error"]["code"]) == (404, "not_found")
    assert "ended because its process ended" in gone["error"]["message"]
    assert "ended with 1 meetings: mediajson session one" in caplog.text
    again = await connect("one")
    assert worker_with(front, "one") is worker_with(front, "two"), "the only one that is left"
    await again.start("ann")
    await again.say("ann", SPOKEN_PACKETS)
    await again.wait_for("emotion", final=True)
    assert (await meeting_of(front, "one"))["id"] != meeting["id"]
    await other.ping()


async def test_a_worker_that_is_asked_to_end_tells_its_last_results_and_takes_nothing_new(
    front: Front, connect: Connect
) -> None:
    bridge = await connect("one")
    meeting = await meeting_of(front, "one")
    async with front.http.get(front.url + meeting["events"]) as stream:
        await bridge.start("ann")
        await bridge.say("ann", SPOKEN_PACKETS[:100])
        started = await until_event(stream, "speech_started")
        kill(worker_with(front, "one"), signal.SIGTERM)
        ended = await until_event(stream, "speech_ended")
        assert (ended["segment"], ended["reason"]) == (started["segment"], "flush")
        final = await until_event(stream, "emotion")
        while not final["final"]:
            final = await until_event(stream, "emotion")
        assert (await until_event(stream, "meeting"))["reason"] == "the bot's server is stopping"
        assert await next_event(stream) == {}
    assert await bridge.close_code() == WSCloseCode.SERVICE_RESTART
    assert final in bridge.told
    assert (await connect("one")) is not bridge
    await front.until(lambda: len(front.workers.placement.workers) == 2)


async def test_a_bridge_that_sends_faster_than_is_heard_waits_and_nothing_is_lost(
    front: Front, connect: Connect
) -> None:
    bridges = [await connect(session) for session in ("one", "two")]

    async def speak(bridge: Bridge, name: str) -> None:
        await bridge.start(name)
        await bridge.say(name, SPOKEN_PACKETS * 4)
        await bridge.ping()
        await bridge.send(event="stop", stop={"tag": name})

    await asyncio.gather(*(speak(bridge, name) for bridge in bridges for name in ("ann", "ben")))
    for bridge in bridges:
        first = await bridge.wait_for("emotion", segment=12, final=True)
        bridge.told = [event for event in bridge.told if event.get("participant") != first["participant"]]
        await bridge.wait_for("emotion", segment=12, final=True)
    async with front.http.get(f"{front.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    dropped = [line for line in lines if line.startswith("ser_track_dropped_audio_seconds{")]
    assert [float(line.split()[-1]) for line in dropped] == [0, 0]


class TestLimit:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, meetings=replace(config.meetings, max_meetings=2))

    async def test_it_holds_for_all_workers_together_until_one_is_left(self, front: Front, connect: Connect) -> None:
        _, leaving = await connect("one"), await connect("two")
        with pytest.raises(WSServerHandshakeError) as refused:
            await connect("three")
        assert refused.value.status == 409
        message = "the bot is in 2 meetings, as many as meetings.max_meetings; leave one first"
        body = {"server": "janus", "url": "ws://127.0.0.1:1", "room": 1}
        assert await ask(front, "/meetings", "POST", json=body) == (
            409,
            {"error": {"code": "full", "message": message}},
        )
        await connect("one")
        assert (await ask(front, f"/meetings/{(await meeting_of(front, 'two'))['id']}", "DELETE"))[0] == 204
        await leaving.close()
        await front.until(lambda: len(front.workers.placement.meetings) == 1)
        await connect("three")
        states = {each["where"].split()[-1]: each["state"] for each in (await ask(front, "/meetings"))[1]["meetings"]}
        assert states == {"one": "joined", "two": "left", "three": "joined"}


class TestGuard:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, server=replace(config.server, token="sesame"))

    async def test_strangers_see_nothing_but_the_notice_and_begin_nothing(self, front: Front, connect: Connect) -> None:
        with pytest.raises(WSServerHandshakeError) as refused:
            await connect("one")
        assert refused.value.status == 401
        assert len(front.workers.placement.meetings) == 0
        friend = {"Authorization": "Bearer sesame"}
        bridge = await connect("one", headers=friend)
        await bridge.start("ann")
        url = (await bridge.wait_for("notice"))["url"].removeprefix(front.url)
        assert (await ask(front, f"{url}/participants"))[0] == 200
        for path in ("/meetings", url.removesuffix("/notice"), url.replace("/notice", "/events")):
            assert (await ask(front, path))[0] == 401
        assert (await ask(front, url.removesuffix("/notice"), headers=friend))[0] == 200
