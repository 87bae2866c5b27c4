"""Rooms of our own are meetings like all others: listed, read by programs, with a notice, and closed politely."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import ClientSession

from ser_track.config.schema import Config
from tests.helpers.event_readers import read_socket, reading
from tests.helpers.peer import Peer, RecordingTrack
from tests.helpers.room_page import joined
from tests.paths import SPOKEN
from tests.web.conftest import Running

VOICE = ("speech_started", "speech_ended", "emotion")


@pytest.fixture
def config() -> Config:
    return Config()


async def the_room(http: ClientSession, url: str) -> dict[str, Any]:
    async with http.get(f"{url}/meetings") as response:
        (listed,) = (await response.json())["meetings"]
    assert (listed["server"], listed["where"], listed["state"]) == ("rooms", "room r", "joined")
    found: dict[str, Any] = listed
    return found


async def refused_by_link(http: ClientSession, url: str) -> None:
    """A page speaks; somebody refuses for it over the link; its switch is told, and can be turned again."""
    async with joined(http, url, "r") as page:
        await page.speak(RecordingTrack(SPOKEN))
        await page.peer.wait_for("emotion", participant=page.id)
        notice = await page.peer.wait_for("notice")
        assert notice["url"] == (await the_room(http, url))["notice_url"]
        async with http.get(notice["url"]) as response:
            assert (response.status, response.content_type) == (200, "text/html")
        async with http.get(f"{notice['url']}/participants") as response:
            (person,) = (await response.json())["participants"]
        assert person == {"participant": page.id, "name": "Ann", "analysed": True}
        refused = time.monotonic()
        body = {"participant": page.id, "analysed": False}
        async with http.post(f"{notice['url']}/answer", json=body) as response:
            assert response.status == 200
        assert await page.told("consent") == {"type": "consent", "participant": page.id, "analysed": False}
        await page.peer.wait_for("consent", analysed=False)
        assert time.monotonic() - refused < 1
        told = len(page.peer.events)
        await asyncio.sleep(1.5)
        assert [event for event in page.peer.events[told:] if event["type"] in VOICE] == []
        await page.socket.send_json({"type": "consent", "analysed": True})
        assert (await page.told("consent"))["analysed"] is True
        again = await page.peer.wait_for("consent", analysed=True)
        await page.peer.wait_for("speech_started", stream=again["stream"])


async def closed_politely(http: ClientSession, url: str) -> None:
    """A program deletes a room: people get their last words, and know that it was closed; for a while it stays so."""
    program, hung_up = Peer(http, url), asyncio.Event()
    async with joined(http, url, "r") as page:
        await page.speak(RecordingTrack(SPOKEN))
        program.channel.on("close", hung_up.set)
        await program.join("r", "Program", RecordingTrack(SPOKEN, seconds=0))
        room = await the_room(http, url)
        async with reading(http, url + room["events"], seen=0) as reader:
            events = await reader.until("speech_started", participant=page.id)
            assert {each.type for each in events} >= {"meeting", "notice", "joined"}
            async with http.delete(f"{url}/meetings/{room['id']}") as response:
                assert response.status == 204
            events += await reader.rest()
        told = await page.told("error")
        assert (told["code"], await page.close_code()) == ("room_closed", 1000)
        kinds = [each.type for each in events if each.data.get("participant") == page.id]
        assert kinds.count("speech_started") == kinds.count("speech_ended")
        assert kinds[-1] == "left"
        assert (events[-1].data["state"], events[-1].data["reason"]) == ("left", "the bot was called back")
        assert await read_socket(http, url + room["events"], last_event_id="0") == events
        async with asyncio.timeout(20):
            await hung_up.wait()
        assert program.events[-1]["type"] in ("speech_ended", "emotion", "left"), program.events
    async with joined(http, url, "r") as page:
        assert page.first["code"] == "called_back"
    for _ in range(100):  # several workers are asked once a second
        async with http.get(f"{url}/healthz") as response:
            health = await response.json()
        if (health["rooms"], health["participants"]) == (0, 0):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(health)


async def test_a_refusal_over_the_link_stops_analysis_and_the_page_is_told(server: Running) -> None:
    await refused_by_link(server.http, server.url)


async def test_a_program_closes_a_room(server: Running) -> None:
    await closed_politely(server.http, server.url)
