"""Rooms of a real Janus, joined by the workers of one server."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from ser_track.config.schema import Config
from ser_track.workers import process
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import ROOM, WITH_DTX, JanusServer
from tests.helpers.peer import RecordingTrack
from tests.paths import SPOKEN
from tests.workers.conftest import SOON_S, Front
from tests.workers.test_meetings import ask

pytestmark = pytest.mark.meeting


@pytest.fixture
def janus_server(tmp_path: Path) -> JanusServer:
    return JanusServer(tmp_path)


@pytest.fixture
def config(config: Config, janus_server: JanusServer) -> Config:
    meetings = replace(config.meetings, allowed_targets=(janus_server.url,), consent="notice")
    return replace(config, meetings=meetings)


@pytest_asyncio.fixture
async def janus(janus_server: JanusServer, front: Front) -> AsyncIterator[JanusServer]:
    await janus_server.start()
    yield janus_server
    await janus_server.stop()


@pytest_asyncio.fixture
async def people(janus: JanusServer) -> AsyncIterator[tuple[JanusPerson, JanusPerson]]:
    """Somebody who speaks, and somebody who listens."""
    async with ClientSession() as http, AsyncExitStack() as stack:
        ann, observer = JanusPerson(http, janus.url, "Ann"), JanusPerson(http, janus.url, "Observer")
        for person in (ann, observer):
            await person.join()
            stack.push_async_callback(person.close)
        yield ann, observer


async def send_bot(front: Front, janus: JanusServer, room: int = ROOM) -> dict[str, Any]:
    body = {"server": "janus", "url": janus.url, "room": room}
    status, meeting = await ask(front, "/meetings", "POST", json=body)
    assert status == 201, meeting
    described: dict[str, Any] = meeting
    return described


async def bots_gone(person: JanusPerson) -> None:
    async with asyncio.timeout(SOON_S):
        while any({stream["type"] for stream in each["streams"]} == {"data"} for each in person.publishers.values()):
            person._news.clear()
            await person._news.wait()


async def test_meetings_are_spread_over_workers_answered_for_by_the_front_and_left_when_it_stops(
    front: Front, janus: JanusServer, people: tuple[JanusPerson, JanusPerson]
) -> None:
    ann, observer = people
    one, two = await send_bot(front, janus), await send_bot(front, janus, WITH_DTX)
    directory = front.workers.placement.directory
    assert directory.worker_of(one["id"]) is not directory.worker_of(two["id"])
    assert one["notice_url"] == f"{front.url}/meetings/{one['id']}/notice"
    assert [each["state"] for each in (await ask(front, "/meetings"))[1]["meetings"]] == ["joined", "joined"]
    assert await ask(front, f"/meetings/{two['id']}", "DELETE") == (204, None)
    assert (await ask(front, f"/meetings/{two['id']}"))[1]["state"] == "left"

    await observer.listen_to_bots()
    await ann.publish(RecordingTrack(SPOKEN))
    started = await observer.wait_for("speech_started")
    begun = time.monotonic()
    await front.workers.stop()
    ended = await observer.wait_for("speech_ended", segment=started["segment"], reason="flush")
    assert ended["participant"] == started["participant"]
    left = await observer.wait_for("meeting", state="left")
    assert left["reason"] == "the bot's server is stopping"
    await bots_gone(observer)
    assert time.monotonic() - begun < process.STOP_S


async def test_a_killed_workers_meeting_is_over_and_may_be_joined_again(front: Front, janus: JanusServer) -> None:
    one = await send_bot(front, janus)
    pid = front.workers.placement.directory.worker_of(one["id"]).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await front.until(lambda: len(front.workers.placement.meetings) == 0)
    status, gone = await ask(front, f"/meetings/{one['id']}")
    assert (status, gone["error"]["code"]) == (404, "not_found")
    again = await send_bot(front, janus)
    assert again["id"] != one["id"]


async def test_a_janus_that_hangs_does_not_hold_up_the_end(
    front: Front, janus: JanusServer, caplog: pytest.LogCaptureFixture
) -> None:
    await send_bot(front, janus)
    pid = janus._process._process.pid
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    try:
        await front.workers.stop()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - begun < process.STOP_S
    assert "is killed" not in caplog.text
