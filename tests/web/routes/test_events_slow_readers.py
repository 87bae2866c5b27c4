"""Readers that do not read, too many of them, and the end of the server: what they must not do to others."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import pytest_asyncio
from aiohttp import ClientSession, TCPConnector, web

from ser_track.config.schema import Config
from ser_track.web.keys import READERS
from ser_track.web.routes import events
from tests.helpers.event_readers import Told, reading
from tests.helpers.mediajson_bridge import Bridge
from tests.web.conftest import Running, _Server

MAX_STEP = 200
BUFFER_BYTES = 4096
SOON_S = 1.0


def small_buffers(host: str, port: int, *_: object) -> socket.socket:
    """A listening socket whose connections the kernel keeps little for, so that it shows early who does not read."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    listening.bind((host, port))
    return listening


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent="notice"))


@pytest_asyncio.fixture
async def running(app: web.Application) -> AsyncIterator[_Server]:
    started = _Server(app, host="127.0.0.1", socket_factory=small_buffers)
    async with started:
        yield started


@pytest_asyncio.fixture
async def server(running: _Server, app: web.Application) -> AsyncIterator[Running]:
    """As elsewhere, but with small buffers, and a client that may connect more often."""
    async with ClientSession(connector=TCPConnector(limit=0)) as http:
        yield Running(str(running.make_url("")).rstrip("/"), app, http)


def connections(running: _Server) -> int:
    assert running.runner is not None
    assert running.runner.server is not None
    return len(running.runner.server.connections)


@pytest_asyncio.fixture
async def bridge(server: Running) -> AsyncIterator[Bridge]:
    async with Bridge(server.http, server.url, "talk") as connected:
        yield connected


async def path_of(bridge: Bridge) -> str:
    return f"/meetings/{(await bridge.meeting())['id']}/events"


async def come_and_go(bridge: Bridge, times: int) -> None:
    """Two events each time."""
    for _ in range(times):
        await bridge.start("ann")
        await bridge.stop("ann")
        await bridge.ping()


class Deaf:
    """Asks for events, and reads none."""

    def __init__(self, server: Running, path: str, *headers: str) -> None:
        self._port = int(server.url.rpartition(":")[2])
        self._request = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()
        self._connection = socket.socket()

    async def connect(self) -> None:
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._connection, ("127.0.0.1", self._port))
        await loop.sock_sendall(self._connection, self._request)

    async def read_all(self) -> int:
        """How many bytes came before the server let go."""
        loop, read = asyncio.get_running_loop(), 0
        while piece := await loop.sock_recv(self._connection, 65_536):
            read += len(piece)
        return read

    def close(self) -> None:
        self._connection.close()


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@pytest.mark.parametrize("headers", [(), UPGRADE], ids=["sse", "websocket"])
async def test_who_does_not_read_is_let_go_and_others_read_on(
    running: _Server, server: Running, bridge: Bridge, headers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_SEND_S", 0.3)
    path = await path_of(bridge)
    deaf = Deaf(server, f"{path}?last_event_id=0", *headers)
    await deaf.connect()
    async with reading(server.http, server.url + path, seen=0) as reader:
        read, coming = list[Told](), asyncio.create_task(come_and_go(bridge, 600))
        before = connections(running)
        while len([told for told in read if told.type == "left"]) < 600:
            told = await reader.one()
            read.append(told)
        await coming
        assert [told.number for told in read] == list(range(1, 2 + 1 + 2 * 600)), (
            "joined, notice, and 600 who come and go"
        )
        async with asyncio.timeout(5):
            while connections(running) == before:  # noqa: ASYNC110  # that a reader is let go is told to nobody
                await asyncio.sleep(0.02)
        assert len(server.app[READERS]) == 1
    sent = sum(len(str(told.data)) for told in read)
    assert await deaf.read_all() < sent / 2
    deaf.close()


async def test_one_too_many_is_refused_until_somebody_goes(
    server: Running, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_HEARTBEAT_S", 0.1)
    url = server.url + await path_of(bridge)
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(server.http, url)) for _ in range(MAX_STEP)]
        async with server.http.get(url) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (409, "full")
        readers[0].response.close()
        async with asyncio.timeout(5):
            while len(server.app[READERS]) == MAX_STEP:  # noqa: ASYNC110  # noticed at the next comment
                await asyncio.sleep(0.02)
        async with reading(server.http, url) as reader:
            assert await reader.next() is not None
        await bridge.start("ann")
        for last in readers[1:]:
            assert (await last.until("joined"))[-1].data["name"] == "ann"


async def test_the_end_of_the_server_ends_all_streams_at_once(app: web.Application) -> None:
    async with ClientSession() as http, AsyncExitStack() as stack:
        running = _Server(app, host="127.0.0.1")
        await running.start_server()
        url = str(running.make_url("")).rstrip("/")
        bridge = await stack.enter_async_context(Bridge(http, url, "talk"))
        await bridge.start("ann")
        await bridge.ping()
        path = await path_of(bridge)
        reader = await stack.enter_async_context(reading(http, url + path))
        over_socket = await stack.enter_async_context(http.ws_connect(url + path))
        begun = time.monotonic()
        closing = asyncio.create_task(running.close())
        read = await reader.rest()
        messages = [message.json() async for message in over_socket]
        assert over_socket.close_code == 1000
        assert await bridge.closed() == 1001
        await closing
        assert time.monotonic() - begun < SOON_S
    assert [told.type for told in read] == ["snapshot", "left", "meeting"]
    assert read[-1].data["reason"] == "the bot's server is stopping"
    assert [message["type"] for message in messages] == ["snapshot", "left", "meeting"]


async def test_a_bridge_of_a_meeting_that_the_bot_was_called_back_from_is_told_so(
    server: Running, bridge: Bridge, words: list[bytes]
) -> None:
    await bridge.start("ann")
    meeting = await bridge.meeting()
    async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
        assert response.status == 204
    await bridge.start("bob")  # on its way already when the bot left
    assert await bridge.closed() == 1001
    async with reading(server.http, f"{server.url}/meetings/{meeting['id']}/events", seen=0) as reader:
        told = await reader.rest()
    assert [one.type for one in told] == ["meeting", "notice", "joined", "left", "meeting"]
    assert told[-1].data["state"] == "left"
