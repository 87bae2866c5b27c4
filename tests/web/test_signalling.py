"""The WebSocket: presence, consent, and the messages between browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSMsgType

from ser_track.config import Config
from tests.web.conftest import Running

Page = tuple[ClientWebSocketResponse, dict[str, Any]]
Join = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture
async def join(server: Running) -> AsyncIterator[Join]:
    async with AsyncExitStack() as stack:

        async def enter(name: str, room: str = "r", consent: bool = True) -> Page:
            page = await stack.enter_async_context(server.http.ws_connect(f"{server.url}/ws"))
            await page.send_json({"type": "join", "room": room, "name": name, "consent": consent})
            return page, await page.receive_json()

        yield enter


async def test_each_page_learns_who_is_there_and_that_a_bot_listens(join: Join) -> None:
    ann_page, ann = await join("Ann")
    _, ben = await join("Ben", consent=False)
    assert ann["participants"] == []
    assert ben["participants"] == [{"id": ann["participant"], "name": "Ann", "analysed": True}]
    assert ben["bot"]["id"] == "bot"
    news = await ann_page.receive_json()
    assert news == {"type": "joined", "participant": {"id": ben["participant"], "name": "Ben", "analysed": False}}


async def test_rooms_are_apart(join: Join) -> None:
    await join("Ann", room="one")
    _, ben = await join("Ben", room="two")
    assert ben["participants"] == []


async def test_pages_signal_to_each_other_under_their_own_name(join: Join) -> None:
    ann_page, ann = await join("Ann")
    ben_page, ben = await join("Ben")
    await ann_page.receive_json()
    await ben_page.send_json({"type": "signal", "to": ann["participant"], "from": "forged", "data": {"x": 1}})
    assert await ann_page.receive_json() == {"type": "signal", "from": ben["participant"], "data": {"x": 1}}


async def test_withdrawn_consent_is_told_to_all(join: Join) -> None:
    ann_page, _ = await join("Ann")
    ben_page, ben = await join("Ben")
    await ann_page.receive_json()
    await ben_page.send_json({"type": "consent", "analysed": False})
    told = {"type": "consent", "participant": ben["participant"], "analysed": False}
    assert await ann_page.receive_json() == told
    assert await ben_page.receive_json() == told


@pytest.mark.parametrize("goodbye", ["leave", "close"])
async def test_leaving_is_told(join: Join, goodbye: str) -> None:
    ann_page, _ = await join("Ann")
    ben_page, ben = await join("Ben")
    await ann_page.receive_json()
    if goodbye == "leave":
        await ben_page.send_json({"type": "leave"})
    else:
        await ben_page.close()
    left = await ann_page.receive_json()
    assert (left["type"], left["participant"]) == ("left", ben["participant"])


async def test_the_ninth_is_refused_in_clear_words_and_the_eight_go_on(join: Join) -> None:
    pages = [await join(f"Person {number}") for number in range(8)]
    ninth_page, refusal = await join("Ninth")
    assert (refusal["type"], refusal["code"]) == ("error", "full")
    assert "8 of 8" in refusal["message"]
    assert (await ninth_page.receive()).type is WSMsgType.CLOSE
    (first_page, _), (_, second) = pages[0], pages[1]
    await first_page.send_json({"type": "signal", "to": second["participant"], "data": 1})
    assert (await pages[1][0].receive_json())["type"] in ("joined", "signal")


@pytest.mark.parametrize("first", ["{", "[]", '{"type":"hello"}', '{"type":"join","room":"r","name":"n"}'])
async def test_a_wrong_first_message_is_refused(server: Running, first: str) -> None:
    async with server.http.ws_connect(f"{server.url}/ws") as page:
        await page.send_str(first)
        assert (await page.receive_json())["code"] == "bad_request"
        assert (await page.receive()).type is WSMsgType.CLOSE


@pytest.mark.parametrize("wrong", ["{", "5", '{"type":"dance"}', '{"type":"signal","to":"p-0"}', '{"type":"consent"}'])
async def test_a_wrong_later_message_is_answered_and_survived(join: Join, wrong: str) -> None:
    page, ann = await join("Ann")
    await page.send_str(wrong)
    assert (await page.receive_json())["code"] == "bad_request"
    await page.send_json({"type": "signal", "to": ann["participant"], "data": 1})
    assert (await page.receive_json())["type"] == "signal"


class TestRoomLimit:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, rooms=replace(base.rooms, max_rooms=1))

    async def test_a_second_room_is_refused_until_the_first_is_empty(self, join: Join) -> None:
        page, _ = await join("Ann", room="one")
        _, refused = await join("Ben", room="two")
        assert refused["code"] == "full"
        await page.send_json({"type": "leave"})
        assert (await page.receive()).type is WSMsgType.CLOSE
        _, welcome = await join("Ben", room="two")
        assert welcome["type"] == "welcome"
