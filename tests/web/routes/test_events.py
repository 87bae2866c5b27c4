"""Programs read a meeting's events: snapshot first, resumption without loss or repetition, over SSE and WebSocket.

The meeting is real: a bridge sends the speech of two people as MediaJson.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from ser_track.config.schema import Config
from ser_track.meetings.event_log import EventLog
from ser_track.web.routes import events
from tests.helpers.event_readers import SNAPSHOT, Told, fold, read_socket, reading
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.mediajson_bridge import Bridge
from tests.web.conftest import Running

PEOPLE = ("ann", "bob")


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent="notice"))


@pytest_asyncio.fixture
async def bridge(server: Running) -> AsyncIterator[Bridge]:
    async with Bridge(server.http, server.url, "talk") as connected:
        yield connected


@pytest_asyncio.fixture
async def url(bridge: Bridge, server: Running) -> str:
    """Of the meeting."""
    return f"{server.url}/meetings/{(await bridge.meeting())['id']}"


async def talk(bridge: Bridge, words: list[bytes]) -> None:
    """All that the two say, until it was heard."""
    for person in PEOPLE:
        await bridge.start(person)
    await asyncio.gather(*(bridge.speak(person, words) for person in PEOPLE))
    for person in PEOPLE:
        await bridge.stop(person)


async def all_left(server: Running, url: str) -> None:
    """The last words of both are told."""
    async with reading(server.http, f"{url}/events", seen=0) as reader:
        for _ in PEOPLE:
            await reader.until("left")


async def whole(server: Running, url: str) -> list[Told]:
    """Every event of a meeting that is over."""
    async with reading(server.http, f"{url}/events", seen=0) as reader:
        return await reader.rest()


async def call_back(server: Running, url: str) -> None:
    async with server.http.delete(url) as response:
        assert response.status == 204


async def test_first_a_snapshot_then_every_event_in_order(
    server: Running, bridge: Bridge, url: str, words: list[bytes]
) -> None:
    snapshots: list[Told] = []
    async with reading(server.http, f"{url}/events") as early:
        talking = asyncio.create_task(talk(bridge, words))
        read = await early.until("speech_ended", participant=(await early.until("joined"))[-1].data["participant"])
        async with reading(server.http, f"{url}/events") as late:
            read += await early.until("emotion", final=True)
            await talking
            read += await early.until("left")
            first = await late.one()
            snapshots.append(first)
            await call_back(server, url)
            read += await early.rest()
            followed = await late.rest()
    everything = await whole(server, url)
    assert [told.number for told in everything] == list(range(1, len(everything) + 1))
    for told in everything:
        VALIDATOR.validate(told.data)
        assert told.type == told.data["type"]
    assert followed == everything[first.number :]
    assert read[-len(followed) :] == followed
    over_socket = await read_socket(server.http, f"{url}/events")
    for number, kind, data in [*snapshots, *over_socket]:
        assert kind == SNAPSHOT
        assert data == fold((told.data for told in everything[:number]), url.rpartition("/")[2])
    heard = {told.data["participant"] for told in everything if told.type == "emotion" and told.data["final"]}
    assert len(heard) == len(PEOPLE)


async def test_a_snapshot_is_what_the_events_make_at_any_moment(
    server: Running, bridge: Bridge, url: str, words: list[bytes]
) -> None:
    snapshots: list[Told] = []
    talking = asyncio.create_task(talk(bridge, words))
    while not talking.done():
        async with reading(server.http, f"{url}/events") as reader:
            first = await reader.one()
            snapshots.append(first)
    await talking
    await all_left(server, url)
    await call_back(server, url)
    everything = await whole(server, url)
    for number, kind, data in snapshots:
        assert kind == SNAPSHOT
        assert data == fold((told.data for told in everything[:number]), url.rpartition("/")[2])
    assert any(person["speaking"] for told in snapshots for person in told.data["participants"])
    assert any(person["emotion"] for told in snapshots for person in told.data["participants"])


async def test_who_is_cut_off_again_and_again_misses_nothing_and_gets_nothing_twice(
    server: Running, bridge: Bridge, url: str, words: list[bytes]
) -> None:
    talking, read, pieces, gone = asyncio.create_task(talk(bridge, words)), list[Told](), 0, 0
    while gone < len(PEOPLE):
        async with reading(server.http, f"{url}/events", seen=read[-1].number if read else 0) as reader:
            for _ in range(3):
                told = await reader.one()
                read.append(told)
                if told.type == "left":
                    gone += 1
                    break
            reader.response.close()  # in the middle: what was written meanwhile is lost
        pieces += 1
    await talking
    await call_back(server, url)
    async with reading(server.http, f"{url}/events", last_event_id=str(read[-1].number)) as reader:
        read += await reader.rest()
    assert pieces > 5
    assert read == await whole(server, url)
    assert read == await read_socket(server.http, f"{url}/events", last_event_id="0")


@pytest.mark.parametrize("seen", [1, 10_000_000])
async def test_a_number_that_is_too_old_or_was_never_given_brings_a_snapshot(
    server: Running, bridge: Bridge, url: str, seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventLog.__init__, "__defaults__", (3,))
    async with Bridge(server.http, server.url, "short memory") as other:
        url = f"{server.url}/meetings/{(await other.meeting())['id']}"
        for person in ("ann", "bob", "cyd", "dan", "eve"):
            await other.start(person)
        async with reading(server.http, f"{url}/events") as reader:
            while (told := await reader.next()) is not None and len(told.data.get("participants", ())) < 5:
                if told.data.get("name") == "eve":
                    break
        async with reading(server.http, f"{url}/events", seen=seen) as reader:
            first = await reader.one()
            assert (first.type, len(first.data["participants"])) == (SNAPSHOT, 5)
            await other.stop("ann")
            second = await reader.one()
            assert (second.type, second.number) == ("left", first.number + 1)


@pytest.mark.parametrize("seen", ["-1", "1.5", "one", "٣", "9" * 16, " "])
async def test_what_is_no_number_is_refused(server: Running, url: str, seen: str) -> None:
    async with server.http.get(f"{url}/events", params={"last_event_id": seen}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_request")


async def test_the_end_of_the_meeting_ends_the_streams_and_browsers_do_not_come_back(
    server: Running, bridge: Bridge, url: str
) -> None:
    async with (
        reading(server.http, f"{url}/events") as reader,
        server.http.ws_connect(f"{url}/events") as socket,
    ):
        await call_back(server, url)
        read = await reader.rest()
        messages = [message.json() async for message in socket if message.type is WSMsgType.TEXT]
        assert socket.close_code == 1000
    assert (read[-1].type, read[-1].data["state"]) == ("meeting", "left")
    assert messages[-1] == {"id": read[-1].number, "type": "meeting", "data": read[-1].data}
    async with server.http.get(f"{url}/events", headers={"Last-Event-ID": str(read[-1].number)}) as response:
        assert response.status == 204
    assert await read_socket(server.http, f"{url}/events", last_event_id=str(read[-1].number)) == []


async def test_silence_is_filled_with_comments(server: Running, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_HEARTBEAT_S", 0.02)
    async with reading(server.http, f"{url}/events") as reader:
        await reader.next()
        waiting = asyncio.create_task(reader.next())
        async with asyncio.timeout(5):
            while reader.comments < 3:  # noqa: ASYNC110  # a comment is no message that could be waited for
                await asyncio.sleep(0.01)
        await call_back(server, url)
        assert (told := await waiting) is not None
        assert told.type == "meeting"


async def test_a_refusal_takes_effect_at_once_and_is_told(server: Running, bridge: Bridge, url: str) -> None:
    await bridge.start("ann")
    async with reading(server.http, f"{url}/events", seen=0) as reader:
        ann = (await reader.until("joined"))[-1].data["participant"]
        answer = {"participant": ann, "analysed": False}
        async with server.http.post(f"{url}/notice/answer", json=answer) as response:
            assert response.status == 200
        assert (await reader.until("consent"))[-1].data["analysed"] is False
    async with reading(server.http, f"{url}/events") as reader:
        first = await reader.one()
    assert [person["analysed"] for person in first.data["participants"]] == [False]


class TestOfAnotherOrigin:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, server=replace(config.server, allowed_origins=("https://friend.example",)))

    async def test_pages_may_read_and_ask_where_the_origin_is_allowed(self, server: Running, url: str) -> None:
        origin = {"Origin": "https://friend.example"}
        async with server.http.get(f"{url}/events", headers=origin) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        for path in ("/meetings", "/meetings/m-x"):
            async with server.http.options(server.url + path, headers=origin) as response:
                assert (response.status, response.headers["Vary"]) == (204, "Origin")
        async with server.http.get(f"{url}/events", headers={"Origin": "https://stranger.example"}) as response:
            assert response.status == 403
