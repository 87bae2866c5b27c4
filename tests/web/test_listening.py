"""The server as a process, attacked: few descriptors, requests that are not HTTP, text that would forge its log."""

import asyncio
import json
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from ser_track.web import listening
from ser_track.web.descriptors import DESCRIPTORS, Descriptors
from tests.helpers.raw_http import got, sent
from tests.helpers.server_process import server_process

SOON_S = 60.0
RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) .*")
FORGED = "x\n2026-01-01 00:00:00,000 ERROR forged: all is lost\x1b[2J\x9b2J\u202e"


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that ask for nothing."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]


async def health(port: int, until: str) -> dict[str, object]:
    """What ``/healthz`` says, once its status is ``until``."""
    async with asyncio.timeout(SOON_S):
        while True:
            reply = await got(port, "/healthz")
            told: dict[str, object] = json.loads(reply.body)
            if told.get("status") == until:
                return told
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("workers", [1, 2])
async def test_without_descriptors_it_tells_its_health_refuses_the_rest_and_recovers(
    tmp_path: Path, workers: int
) -> None:
    limit = 120
    with server_process(tmp_path, "--workers", str(workers), hard=limit) as server:
        with connections(server.port, limit):
            assert (await health(server.port, "no_descriptors"))["participants"] == 0
            for path in ("/", "/static/room/main.js", "/openapi.json"):
                reply = await got(server.port, path)
                assert (reply.status, reply.error["code"]) == (503, "overloaded"), path
            body = b'{"type": "offer", "room": "r", "name": "Ann", "consent": true, "sdp": "v=0"}'
            head = f"POST /offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            reply = await sent(server.port, head + body)
            assert (reply.status, reply.error["code"]) == (503, "overloaded"), "it is not the client's fault"
        await health(server.port, "ok")
        assert (await got(server.port, "/")).status == 200
        lines = server.errors.splitlines()
        assert len(lines) < 100, "the log is bounded"
        assert not any("Traceback" in line for line in lines), server.errors
        assert sum("no file descriptor is left" in line for line in lines) >= 1
    assert f"may open {limit} files" in server.errors, "it warned at its start"


async def test_people_in_a_meeting_can_refuse_while_there_are_no_descriptors(tmp_path: Path) -> None:
    limit = 120
    with server_process(tmp_path, hard=limit) as server:
        async with ClientSession() as http, http.ws_connect(f"{server.url}/mediajson?sessionId=talk"):
            async with http.get(f"{server.url}/meetings") as response:
                (meeting,) = (await response.json())["meetings"]
            with connections(server.port, limit):
                await health(server.port, "no_descriptors")
                reply = await got(server.port, f"/meetings/{meeting['id']}/notice/participants")
                assert reply.status == 200
                body = b'{"participant": "p-none", "analysed": false}'
                head = f"POST /meetings/{meeting['id']}/notice/answer HTTP/1.1\r\nHost: localhost\r\n"
                length = f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
                reply = await sent(server.port, (head + length).encode() + body)
                assert reply.status == 404, "the answer is read, and this participant does not exist"


async def test_a_low_soft_limit_is_raised(tmp_path: Path) -> None:
    with server_process(tmp_path, soft=64) as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard
        with connections(server.port, 100):
            await health(server.port, "ok")


async def test_the_address_of_an_ipv6_server_can_be_opened(tmp_path: Path) -> None:
    with server_process(tmp_path, "--host", "::1") as server:
        assert server.url.startswith("http://[::1]:")
        async with ClientSession() as http, http.get(f"{server.url}/healthz") as response:
            assert response.status == 200


async def test_headers_that_do_not_end_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_IDLE_S", 0.5)
    app = web.Application()
    app[DESCRIPTORS] = Descriptors()
    runner = listening.new_runner(app)
    await runner.setup()
    (listener,) = listening.listeners(app, "127.0.0.1", 0)
    await web.SockSite(runner, listener).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
    writer.write(b"GET / HTTP/1.1\r\nX: ")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(SOON_S):
            assert await reader.read() == b""
    except ConnectionResetError:
        pass
    finally:
        dripping.cancel()
        writer.close()
        await runner.cleanup()
        app[DESCRIPTORS].close()


NOT_HTTP = {
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a version that does not exist": b"GET / HTTP/9.9\r\n\r\n",
    "a control character in the path": b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a length that is not a number": b"POST /offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    "a chunk without a length": b"POST /offer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a header without an end": b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "an address that is not one": b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    "escapes": b"GET /\x1b[2J HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


async def test_requests_that_are_not_http_are_refused_and_at_most_a_line_each_in_the_log(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        for name, data in NOT_HTTP.items():
            assert (await sent(server.port, data)).status == 400, name
        for _ in range(100):
            await sent(server.port, NOT_HTTP["two hosts"])
        await health(server.port, "ok")
    lines = server.errors.splitlines()
    assert all(RECORD.fullmatch(line) and line.isprintable() for line in lines), server.errors
    assert len(lines) <= 30, "a flood is counted, not written"


async def test_what_a_bridge_sends_forges_no_line_of_the_log(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        async with ClientSession() as http, http.ws_connect(f"{server.url}/mediajson?sessionId=talk") as bridge:
            await bridge.send_str(FORGED)
            media = {"tag": FORGED, "chunk": 1, "timestamp": 0, "payload": ""}
            await bridge.send_json({"event": "media", "media": media})
            await bridge.send_json({"event": "start", "start": {"tag": FORGED, "mediaFormat": {"encoding": FORGED}}})
            await bridge.send_json({"event": "ping", "id": 1})
            async with asyncio.timeout(SOON_S):
                while (await bridge.receive_json()).get("event") != "pong":
                    pass
    told = [line for line in server.errors.splitlines() if "forged" in line]
    assert told, "the log names the tag"
    assert all(RECORD.fullmatch(line) and line.isprintable() and "x 2026" in line for line in told), server.errors
