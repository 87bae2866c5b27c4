"""A bot that is called back while it still joins does not arrive."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ser_track.config.schema import Config
from tests.web.conftest import Running
from tests.web.conftest import app as app
from tests.web.conftest import server as server


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def url(listening: socket.socket) -> str:
    """Of a server that accepts, and then says nothing."""
    return f"ws://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def config(url: str) -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, allowed_targets=(url,), step_timeout_s=60.0))


async def test_who_is_called_back_while_joining_gives_up_at_once_on_both_sides(
    server: Running, listening: socket.socket, url: str
) -> None:
    called, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(silent, sock=listening), asyncio.timeout(10):
        asked = {"server": "janus", "url": url, "room": 1}
        joining = asyncio.create_task(server.http.post(f"{server.url}/meetings", json=asked))
        await called.wait()
        async with server.http.get(f"{server.url}/meetings") as response:
            (meeting,) = (await response.json())["meetings"]
        assert meeting["state"] == "joining"
        async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
            assert response.status == 204
        await gone.wait()
        async with await joining as response:
            error = (await response.json())["error"]
        assert (response.status, error["code"]) == (502, "called_back")
        async with server.http.get(f"{server.url}/meetings") as response:
            assert await response.json() == {"meetings": []}
