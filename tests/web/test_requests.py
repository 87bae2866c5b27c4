"""Bad requests get a clear refusal in JSON, and disturb nobody."""

import asyncio
import json
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from aiortc import RTCConfiguration, RTCPeerConnection

from ser_track.config.schema import Config
from ser_track.meetings.adapters.rooms import offer
from ser_track.web import requests
from ser_track.web.requests import link_base
from tests.helpers.mediajson_bridge import Bridge
from tests.helpers.room_page import SOON_S
from tests.web.conftest import Running

AUDIO = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
JOIN = {"room": "r", "name": "n", "consent": True, "type": "offer"}


async def post(server: Running, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    content = {"data": body} if isinstance(body, (str, bytes)) else {"json": body}
    said = {"Content-Type": "application/json"} | headers
    async with server.http.post(f"{server.url}/offer", headers=said, **content) as response:
        assert response.content_type == "application/json", await response.text()
        return response.status, (await response.json())["error"]


async def raw(server: Running, start: str, *headers: bytes) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a request that no client library would send."""
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\r\n".join([f"{start} HTTP/1.1".encode(), *headers, b"Connection: close", b"", b""]))
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(body)


async def people(server: Running) -> int:
    async with server.http.get(f"{server.url}/healthz") as response:
        return int((await response.json())["participants"])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ("[" * 60_000, "nested too deep"),
        (b"\xff", "UTF-8"),
        ('{"room": NaN}', "NaN"),
        ({**JOIN}, "'sdp'"),
        ({**JOIN, "sdp": "nonsense"}, "not valid SDP"),
        ({**JOIN, "sdp": ""}, "not valid SDP"),
        ({**JOIN, "sdp": 5}, "'sdp'"),
        ({**JOIN, "sdp": "v=0", "type": "answer"}, "'type'"),
        ({"room": "r", "name": "n", "sdp": AUDIO, "type": "offer"}, "'consent'"),
        ({**JOIN, "sdp": AUDIO}, "cannot be answered"),
        ({**JOIN, "name": "", "sdp": AUDIO}, "name"),
        ({**JOIN, "room": "x" * 500, "sdp": AUDIO}, "room"),
    ],
)
async def test_a_malformed_offer_is_refused_and_leaves_no_participant(server: Running, body: Any, named: str) -> None:
    status, error = await post(server, body)
    assert status == 400
    assert error["code"] == "bad_request"
    assert named in error["message"]
    assert await people(server) == 0


async def test_an_offer_without_audio_says_so(server: Running) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("events")
    await connection.setLocalDescription(await connection.createOffer())
    status, error = await post(server, {**JOIN, "sdp": connection.localDescription.sdp})
    await connection.close()
    assert status == 400
    assert "no audio section" in error["message"]
    assert await people(server) == 0


async def test_an_oversized_offer_is_refused_by_its_size(server: Running) -> None:
    status, error = await post(server, {**JOIN, "sdp": "a" * 100_000})
    assert (status, error["code"]) == (413, "too_large")


async def test_a_foreign_secret_is_refused(server: Running) -> None:
    async with server.http.ws_connect(f"{server.url}/ws") as page:
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        welcome = await page.receive_json()
        body = {"room": "r", "participant": welcome["participant"], "secret": "guess", "sdp": AUDIO, "type": "offer"}
        assert (await post(server, body))[0] == 403
        assert (await post(server, {**body, "secret": "\ud800"}))[0] == 403
        assert (await post(server, {**body, "participant": "p-0"}))[0] == 404
        assert (await post(server, {**body, "room": "elsewhere"}))[0] == 404


async def test_unknown_paths_are_refused_in_json(server: Running) -> None:
    async with server.http.get(f"{server.url}/nothing") as response:
        assert response.status == 404
        assert "error" in await response.json()


async def test_health_and_metrics(server: Running) -> None:
    async with server.http.get(f"{server.url}/healthz") as response:
        assert await response.json() == {"status": "ok", "rooms": 0, "participants": 0}
    async with server.http.get(f"{server.url}/metrics") as response:
        text = await response.text()
    assert "# TYPE ser_track_participants gauge" in text
    assert "ser_track_late_ticks_total" in text


async def test_a_page_of_another_origin_may_not_use_us(server: Running) -> None:
    assert (await post(server, JOIN, Origin="https://elsewhere.example"))[0] == 403
    assert (await post(server, JOIN, Origin=server.url))[0] == 400, "our own page gets as far as its missing sdp"


@pytest.mark.parametrize(
    "said",
    [
        "application/json; charset=foo",
        "application/json; charset=punycode",
        "application/json; charset=idna",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset*=utf-8''%00",
        "application/json; charset*0=ut; charset*1=f-7",
        "application/json; CHARSET = idna",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/offer", "/meetings", "/meetings/{id}/notice/answer"])
async def test_whatever_is_not_json_in_utf_8_is_unsupported(server: Running, said: str, path: str) -> None:
    async with Bridge(server.http, server.url, "talk") as bridge:
        url = server.url + path.format(id=(await bridge.meeting())["id"])
        async with server.http.post(url, data=b"{}", headers={"Content-Type": said}) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "said",
    [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/problem+json; v=1",
    ],
)
async def test_json_in_utf_8_is_read_whatever_else_its_type_says(server: Running, said: str) -> None:
    status, error = await post(server, json.dumps({**JOIN, "name": "Zoë"}), **{"Content-Type": said})
    assert (status, error["code"]) == (400, "bad_request"), "it gets as far as its missing sdp"


async def test_a_body_without_a_type_is_read_as_json(server: Running) -> None:
    assert (await raw(server, "POST /offer", b"Host: localhost", b"Content-Length: 0"))[0] == 400


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_compressed_bodies_are_unsupported(server: Running, coding: str) -> None:
    status, error = await post(server, b"x", **{"Content-Encoding": coding})
    assert (status, error["code"]) == (415, "unsupported_media_type")


async def test_a_body_that_comes_a_byte_at_a_time_is_refused_after_a_while(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_BODY_S", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(b"POST /offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(SOON_S):
        head = await reader.readuntil(b"\r\n\r\n")
    dripping.cancel()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    writer.close()


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Nothing in this process can open a file or a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_offer_for_which_no_socket_is_left_is_not_the_clients_fault(server: Running) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="sendonly")
    connection.createDataChannel("events")
    await connection.setLocalDescription(await connection.createOffer())
    offer_body = {**JOIN, "sdp": connection.localDescription.sdp}
    await people(server)  # from here on there is a connection to use again
    with no_descriptors():
        status, error = await post(server, offer_body)
    assert (status, error["code"]) == (503, "overloaded")
    assert "ulimit" in error["message"]
    assert await people(server) == 0
    await connection.close()


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/notice", "/openapi.json", "/static/room/main.js", "/meetings/m-1/notice", "/nothing"]
)
async def test_a_foreign_name_of_this_machine_is_refused_on_every_path(server: Running, path: str) -> None:
    async with server.http.get(server.url + path, headers={"Host": "rebound.example:8080"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (403, "forbidden")


async def test_a_file_whose_name_is_too_long_for_the_disk_does_not_exist(server: Running) -> None:
    async with server.http.get(f"{server.url}/static/{'x' * 5000}") as response:
        assert response.status == 404


async def test_an_origin_that_is_no_address_is_foreign(server: Running) -> None:
    assert (await post(server, JOIN, Origin="http://["))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1", "[::1]:8080"])
async def test_every_name_of_this_machine_will_do(server: Running, host: str) -> None:
    assert (await post(server, JOIN, Host=host, Origin=f"http://{host}"))[0] == 400, "it gets as far as its missing sdp"


@pytest.mark.parametrize(("host", "link"), [("evil.example", None), ("localhost:9", "http://localhost:9"), ("[", None)])
def test_the_first_in_a_room_does_not_choose_where_the_notice_leads(host: str, link: str | None) -> None:
    assert link_base(make_mocked_request("GET", "/ws", headers={"Host": host}), Config()) == link


@pytest.mark.parametrize("host", ["rebound.example:8080", "localhost.rebound.example", "["])
async def test_a_name_that_was_made_to_lead_here_is_refused(server: Running, host: str) -> None:
    status, error = await post(server, JOIN, Host=host, Origin=f"http://{host}")
    assert (status, error["code"]) == (403, "forbidden")
    assert "allowed_origins" in error["message"]
    async with server.http.get(f"{server.url}/metrics", headers={"Host": host}) as response:
        assert response.status == 403


async def test_scripts_of_the_page_may_talk_to_their_server_alone(server: Running) -> None:
    async with server.http.get(server.url) as response:
        assert "connect-src 'self';" in response.headers["Content-Security-Policy"]


async def test_a_failure_of_ours_is_logged_and_answered_in_json(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sdp: str) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(offer, "check_offer", fail)
    status, error = await post(server, {**JOIN, "sdp": AUDIO})
    assert (status, error["code"]) == (500, "internal")
    assert "on purpose" not in error["message"], "what went wrong inside is for the log"
    assert "on purpose" in caplog.text


async def test_a_client_that_goes_in_mid_request_is_no_failure_of_ours(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(b"POST /offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert await people(server) == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, token="sesame", allowed_origins=("https://friend.example",)))

    async def test_nothing_but_page_and_health_without_it(self, server: Running) -> None:
        assert (await post(server, JOIN))[0] == 401
        assert (await post(server, JOIN, Authorization="Bearer wrong"))[0] == 403
        assert (await post(server, JOIN, Authorization="Bearer sesame"))[0] == 400
        assert (await raw(server, "GET /metrics", b"Host: localhost", b"Authorization: Bearer \xff\xfe"))[0] == 403
        for path, status in (
            ("/metrics", 401),
            ("/metrics?token=wrong", 403),
            ("/metrics?token=sesame", 200),
            ("/healthz", 200),
            ("/", 200),
        ):
            async with server.http.get(server.url + path) as response:
                assert response.status == status, path

    async def test_an_allowed_origin_may_read_our_answers(self, server: Running) -> None:
        origin = {"Origin": "https://friend.example"}
        async with server.http.options(f"{server.url}/offer", headers=origin) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == "https://friend.example"

    async def test_an_allowed_origin_may_be_the_name_of_this_server(self, server: Running) -> None:
        known = {"Authorization": "Bearer sesame", "Host": "friend.example"}
        assert (await post(server, JOIN, **known))[0] == 400
        assert (await post(server, JOIN, **known | {"Host": "rebound.example"}))[0] == 403
