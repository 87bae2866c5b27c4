"""The WebSocket: presence, consent, and the messages between browsers."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSMsgType

from ser_track.config.schema import Config, IceServer
from ser_track.meetings.rate_limits import Allowance
from ser_track.web import outbox
from ser_track.web.keys import SOCKETS
from ser_track.web.outbox import CLOSE_S, close_sockets
from tests.helpers.peer import Peer
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


def transport_of(page: ClientWebSocketResponse) -> asyncio.Transport:
    assert page._conn is not None
    assert page._conn.transport is not None
    return page._conn.transport


async def test_each_page_learns_who_is_there_and_that_a_bot_listens(join: Join) -> None:
    ann_page, ann = await join("Ann")
    _, ben = await join("Ben", consent=False)
    assert ann["participants"] == []
    assert ben["participants"] == [{"id": ann["participant"], "name": "Ann", "analysed": True, "page": True}]
    assert ben["bot"]["id"] == "bot"
    news = await ann_page.receive_json()
    introduced = {"id": ben["participant"], "name": "Ben", "analysed": False, "page": True}
    assert news == {"type": "joined", "participant": introduced}


async def test_a_program_is_introduced_as_one_that_has_no_page(join: Join, server: Running) -> None:
    program = Peer(server.http, server.url)
    await program.join("r", "Program", None)
    page, ann = await join("Ann")
    assert [(each["id"], each["page"]) for each in ann["participants"]] == [(program.id, False)]
    await page.send_json({"type": "signal", "to": program.id, "data": 1})
    assert (await page.receive_json())["code"] == "gone"
    await program.close()


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


@pytest.mark.parametrize(
    "first", ["{", "[]", "[" * 60_000, '{"type":"hello"}', '{"type":"join","room":"r","name":"n"}']
)
async def test_a_wrong_first_message_is_refused(server: Running, first: str) -> None:
    async with server.http.ws_connect(f"{server.url}/ws") as page:
        await page.send_str(first)
        assert (await page.receive_json())["code"] == "bad_request"
        assert (await page.receive()).type is WSMsgType.CLOSE


WRONG = ["{", "5", "[" * 60_000, '{"type":"dance"}', '{"type":"signal"}', '{"type":"consent"}']


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_later_message_is_answered_and_survived(join: Join, wrong: str) -> None:
    page, ann = await join("Ann")
    await page.send_str(wrong)
    assert (await page.receive_json())["code"] == "bad_request"
    await page.send_json({"type": "signal", "to": ann["participant"], "data": 1})
    assert (await page.receive_json())["type"] == "signal"


async def test_data_of_any_depth_reaches_the_other_or_comes_back_as_a_mistake(join: Join) -> None:
    (ann_page, ann), (ben_page, _) = await join("Ann"), await join("Ben")
    await ann_page.receive_json()
    depths = range(850, 1000)
    for depth in depths:
        await ben_page.send_str(f'{{"type":"signal","to":"{ann["participant"]}","data":{"[" * depth}{"]" * depth}}}')
    await ben_page.send_json({"type": "signal", "to": ann["participant"], "data": "last"})
    arrived = 0
    while '"last"' not in await ann_page.receive_str(timeout=5):
        arrived += 1
    for _ in range(len(depths) - arrived):
        assert (await ben_page.receive_json(timeout=5))["code"] == "bad_request"


async def test_what_is_said_to_somebody_who_left_is_told_apart_from_mistakes(join: Join) -> None:
    page, ann = await join("Ann")
    await page.send_json({"type": "signal", "to": "p-0", "data": 1})
    assert (await page.receive_json())["code"] == "gone"
    await page.send_json({"type": "signal", "to": ann["participant"], "data": 1})
    assert (await page.receive_json())["type"] == "signal"


CONSENTS = [json.dumps({"type": "consent", "analysed": bool(number % 2)}) for number in range(2000)]


@pytest.mark.parametrize("kind", ["signal", "consent"])
async def test_who_floods_the_room_is_taken_out_and_nobody_else(join: Join, server: Running, kind: str) -> None:
    (victim_page, victim), (flooding_page, flooding) = await join("Victim"), await join("Flooding")
    signals = [json.dumps({"type": "signal", "to": victim["participant"], "data": n}) for n in range(3000)]
    with suppress(ConnectionError):  # once it is taken out, it cannot send any more
        for message in signals if kind == "signal" else CONSENTS:
            await flooding_page.send_str(message)
    async with asyncio.timeout(10):
        told = [json.loads(each.data) async for each in flooding_page if each.type is WSMsgType.TEXT]
    assert (told[-1]["code"], flooding_page.close_code) == ("too_many", 1008)
    while (news := await victim_page.receive_json(timeout=5))["type"] != "left":
        pass
    assert (news["participant"], news["reason"]) == (flooding["participant"], "sent too many messages")
    assert [each.id for each in server.people()] == [victim["participant"]]


async def test_a_page_that_reads_nothing_is_cut_off_though_it_sends(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_SEND_S", 0.3)
    (ann_page, _), (deaf_page, deaf) = await join("Ann"), await join("Deaf")
    transport = transport_of(deaf_page)
    transport.pause_reading()
    big = json.dumps({"type": "signal", "to": deaf["participant"], "data": "x" * 60_000})
    for number in range(220):
        await ann_page.send_str(big)
        if number % 50 == 0:
            await deaf_page.send_json({"type": "signal", "to": "p-0", "data": 1})
    while (news := await ann_page.receive_json(timeout=5))["type"] != "left":
        pass
    assert (news["participant"], news["reason"]) == (deaf["participant"], "did not read its messages")
    transport.abort()


def test_an_allowance_is_used_up_and_comes_back_with_time() -> None:
    now = 0.0
    allowance = Allowance(50, 200, lambda: now)
    assert [allowance.take() for _ in range(201)] == [True] * 200 + [False]
    now = 0.1
    assert [allowance.take() for _ in range(6)] == [True] * 5 + [False]
    now = 1000.0
    assert sum(allowance.take() for _ in range(300)) == 200, "it does not grow beyond the burst"


@pytest.mark.parametrize("end", ["abort", "close", "oversized", "binary"])
async def test_a_page_that_ends_before_it_joined_is_no_failure_of_ours(
    server: Running, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    page = await server.http.ws_connect(f"{server.url}/ws")
    if end == "abort":
        transport_of(page).abort()
    elif end == "oversized":
        await page.send_str("x" * 100_000)
        assert (await page.receive()).data == 1009
    elif end == "binary":
        await page.send_bytes(b"{}")
        assert (await page.receive_json())["code"] == "bad_request"
    await page.close()
    async with asyncio.timeout(5):
        while server.app[SOCKETS]:  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.02)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_pages_that_never_join_do_not_hold_up_the_end(server: Running) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            # None of them reads, so none answers the goodbye.
            await stack.enter_async_context(server.http.ws_connect(f"{server.url}/ws"))
        begun = time.monotonic()
        await close_sockets(server.app)
        assert time.monotonic() - begun < CLOSE_S + 0.5
        assert [socket.closed for socket in server.app[SOCKETS]] == [True] * len(server.app[SOCKETS])


async def test_another_sites_page_is_told_that_it_is_refused(server: Running) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "rebound.example"}):
        async with server.http.ws_connect(f"{server.url}/ws", headers=headers) as page:
            assert (await page.receive_json())["code"] == "forbidden"
            assert (await page.receive()).data == 1008


class TestToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, token="sesame"))

    @pytest.mark.parametrize(("query", "code"), [("", "token_missing"), ("?token=wrong", "forbidden")])
    async def test_without_it_the_page_is_told_so_and_nothing_is_read(
        self, server: Running, query: str, code: str
    ) -> None:
        async with server.http.ws_connect(f"{server.url}/ws{query}") as page:
            refusal = await page.receive_json()
            assert (refusal["type"], refusal["code"]) == ("error", code)
            assert "token" in refusal["message"]
            closed = await page.receive()
            assert (closed.type, closed.data) == (WSMsgType.CLOSE, 1008)

    async def test_with_it_the_page_is_in(self, server: Running) -> None:
        async with server.http.ws_connect(f"{server.url}/ws?token=sesame") as page:
            await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
            assert (await page.receive_json())["type"] == "welcome"


class TestIceServers:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        relay = IceServer("turn:relay.example", "ann", "sesame")
        return replace(base, runtime=replace(base.runtime, ice_servers=(IceServer("stun:stun.example"), relay)))

    async def test_pages_get_them_as_browsers_take_them(self, join: Join) -> None:
        _, welcome = await join("Ann")
        relay = {"urls": "turn:relay.example", "username": "ann", "credential": "sesame"}
        assert welcome["ice_servers"] == [{"urls": "stun:stun.example"}, relay]


class TestLargeRoom:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, rooms=replace(base.rooms, max_participants=20))

    async def test_a_burst_that_is_allowed_reaches_a_page_that_reads(self, join: Join) -> None:
        (ann_page, ann), (ben_page, _) = await join("Ann"), await join("Ben")
        assert (await ann_page.receive_json())["type"] == "joined"
        for number in range(500):  # more than wait for a page at once
            await ben_page.send_json({"type": "signal", "to": ann["participant"], "data": number})
        arrived = [(await ann_page.receive_json(timeout=5))["data"] for _ in range(500)]
        assert arrived == list(range(500))


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
