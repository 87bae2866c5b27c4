"""What a sender of tracks cannot do: each mistake is named, and nobody else notices."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ser_track.config.schema import Config
from tests.helpers.peer import RecordingTrack
from tests.meetings.adapters.tracks.conftest import MakeSender
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting
MAX_PEOPLE = 3


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent="notice", max_participants=MAX_PEOPLE))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"mid": "9", "id": "b", "name": "Bob"}, "no audio section with the mid '9'"),
        ({"mid": "0", "name": "Bob"}, "'id' must be a string, and is missing"),
        ({"mid": "0", "id": "", "name": "Bob"}, "'id' must have 1 to 200 characters"),
        ({"mid": "0", "id": "b" * 201, "name": "Bob"}, "not 201"),
        ({"mid": 0, "id": "b", "name": "Bob"}, "'mid' must be a string"),
        ({"mid": "0", "id": "b", "name": None}, "'name' must be a string"),
        ({"mid": "0", "id": "b", "name": "Bob", "ssrc": -1}, "'ssrc' must be a number of 32 bits"),
        ({"mid": "0", "id": "b", "name": "Bob", "ssrc": True}, "'ssrc' must be a number of 32 bits"),
        ({"type": "gone", "id": "b"}, "nobody with the id 'b'"),
        ({"type": "renamed", "id": "b", "name": "Bob"}, "nobody with the id 'b'"),
        ({"type": "muted", "id": "a", "muted": "yes"}, "'muted' must be true or false"),
        ({"type": "swapped"}, "'type' must be one of person, switched"),
        ({"type": ["switched"]}, "'type' must be one of"),
        ({"type": "offer", "sdp": "v=1"}, "does not begin with v=0"),
        ({"type": "offer", "sdp": "v=0\r\ns=-\r\n"}, "0 BUNDLE groups"),
    ],
)
async def test_mistakes_of_a_sender_of_tracks_are_named(sender: MakeSender, message: dict[str, Any], said: str) -> None:
    await (one := sender()).begin(None)
    one.say(mid="0", id="a", name="Ann")
    await one.person(id="a")
    one.say(**message)
    assert said in (await one.message("error"))["message"]


async def test_a_switch_that_cannot_be_understood_still_ends_whoever_was_on_the_track(sender: MakeSender) -> None:
    await (one := sender()).begin(RecordingTrack(SPOKEN))
    one.say(mid="0", id="a", name="Ann")
    ann = (await one.person(id="a"))["participant"]
    await one.event("speech_started", participant=ann)
    one.say(type="switched", mid="0", id="b", name=7)
    await one.message("error", code="bad_request", id="b")
    await one.event("left", participant=ann)


async def test_messages_that_are_not_objects_or_too_long_change_nothing(sender: MakeSender) -> None:
    await (one := sender()).begin(None)
    one.channel.send("[")
    await one.message("error", code="bad_request")
    one.channel.send('{"mid": "0", "id": "a", "name": "' + "x" * 200_000 + '"}')
    await one.message("error", message="the message has 200035 characters, more than 131072; send less")
    one.say(mid="0", id="b", name="x" * 100_000)
    long_name = (await one.person(id="b"))["name"]
    assert len(long_name) < 100, "names are shortened, as everywhere"
    assert [message["id"] for message in one.messages if message["type"] == "person"] == ["b"]


async def test_tracks_over_the_limit_of_people_are_refused(sender: MakeSender, server: Running) -> None:
    answer = await sender().begin(*[None] * (MAX_PEOPLE + 1), status=400)
    assert "4 audio sections, more than meetings.max_participants (3)" in answer["error"]["message"]
    assert [each.state for each in server.bot.meetings.present] == []
    await (one := sender()).begin(*[None] * MAX_PEOPLE)
    one.say(type="offer", sdp=await one.offer([None]))
    assert "4 audio sections" in (await one.message("error"))["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("opus/48000", "opus/16000"), "no audio section with Opus"),
        (("m=application", "m=video"), "no data channel"),
        (("a=group:BUNDLE 0 1", "a=group:LS 0 1"), "0 BUNDLE groups"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 7"), "'7', which no section"),
        (("a=mid:1", "a=mid:0"), "the same mid"),
        (("a=ice-ufrag:", "a=ice-nothing:"), "ICE username"),
        (("v=0", "v=1"), "does not begin with v=0"),
    ],
)
async def test_offers_of_tracks_that_cannot_be_answered_are_refused(
    sender: MakeSender, server: Running, change: tuple[str, str], said: str
) -> None:
    sdp = (await sender().offer([None])).replace(*change)
    async with server.http.post(f"{server.url}/meetings", json={"server": "tracks", "sdp": sdp}) as response:
        assert (response.status, said in (await response.json())["error"]["message"]) == (400, True)
    assert server.bot.meetings.present == []


async def test_a_later_offer_of_another_connection_is_refused(sender: MakeSender) -> None:
    await (one := sender()).begin(None)
    one.say(type="offer", sdp=await sender().offer([None]))
    assert "another connection" in (await one.message("error"))["message"]


async def test_a_sender_of_tracks_that_names_thousands_is_disconnected_and_others_go_on(
    sender: MakeSender, server: Running
) -> None:
    await (other := sender()).begin(RecordingTrack(SPOKEN))
    other.say(mid="0", id="a", name="Ann")
    await other.event("speech_started")
    await (one := sender()).begin(None)
    for number in range(1_500):
        one.say(mid="0", id=f"{number}", name=f"name {number}")
    async with asyncio.timeout(20):
        while (await _state(server, one.meeting["id"]))["state"] != "left":  # noqa: ASYNC110 - asked as a program does
            await asyncio.sleep(0.1)
    assert "too many messages" in (await _state(server, one.meeting["id"]))["reason"]
    await other.event("emotion", final=True)
    assert (await _state(server, other.meeting["id"]))["state"] == "joined"


async def _state(server: Running, meeting: str) -> dict[str, Any]:
    async with server.http.get(f"{server.url}/meetings/{meeting}") as response:
        state: dict[str, Any] = await response.json()
        return state
