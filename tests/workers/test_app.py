"""The front between pages and workers: who gets where, and that it answers as a single process does."""

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.errors import ConfigError, WorkerError
from ser_track.web.app import make_app
from ser_track.workers import process, sockets, tunnel
from ser_track.workers.app import make_front
from ser_track.workers.heartbeat import REPORT
from ser_track.workers.supervisor import Supervisor
from ser_track.workers.worker import run_worker
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.workers.conftest import SOON_S, Front

JOIN = {"room": "r", "name": "n", "consent": True, "type": "offer"}


def test_it_has_every_path_of_a_single_process() -> None:
    """What is added to one must be added to the other."""
    config = Config()
    alone, in_front = (
        {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
        for app in (
            make_app(Bot(config)),
            make_front(replace(config, server=replace(config.server, workers=2)), run_worker),
        )
    )
    assert alone == in_front


async def post(front: Front, body: Any, query: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    content = {"data": body} if isinstance(body, (str, bytes)) else {"json": body}
    said = {"Content-Type": "application/json"} | headers
    async with front.http.post(f"{front.url}/offer{query}", headers=said, **content) as response:
        return response.status, await response.json()


async def test_rooms_are_spread_and_everyone_of_a_room_meets_in_it(front: Front) -> None:
    ann, ben = await front.page("one", "Ann"), await front.page("two", "Ben")
    assert front.worker_of("one") is not front.worker_of("two")
    cem = await front.page("one", "Cem")
    assert [each["id"] for each in cem.first["participants"]] == [ann.id]
    assert (await ann.socket.receive_json())["participant"]["id"] == cem.id
    await cem.socket.send_json({"type": "signal", "to": ann.id, "data": {"x": "ü" * 3000}})
    told = {"type": "signal", "from": cem.id, "data": {"x": "ü" * 3000}}
    assert await ann.socket.receive_json(timeout=SOON_S) == told
    await ben.socket.send_json({"type": "signal", "to": ann.id, "data": 1})
    assert (await ben.socket.receive_json(timeout=SOON_S))["code"] == "gone"


async def test_a_program_joins_the_worker_that_has_its_room(front: Front) -> None:
    ann, _ = await front.page("one"), await front.page("two")
    speaker = Peer(front.http, front.url)
    try:
        await speaker.join("two", "Speaker", RecordingTrack(SPOKEN))
        await speaker.wait_for("emotion", final=True)
        await ann.speak(None)
        joined = await ann.peer.wait_for("joined")
        assert joined["participant"] == ann.id
        assert speaker.id not in {event.get("participant") for event in ann.peer.events}
    finally:
        await speaker.close()


async def test_a_room_that_ended_is_forgotten_and_may_begin_elsewhere(front: Front) -> None:
    page = await front.page("one")
    await page.socket.send_json({"type": "leave"})
    assert await page.close_code() == 1000
    await front.until(lambda: len(front.workers.placement.rooms) == 0)
    assert (await front.health())[1]["rooms"] == 0


async def test_health_counts_all_workers_and_metrics_name_each(front: Front) -> None:
    for room, name in (("one", "Ann"), ("one", "Ben"), ("two", "Cem")):
        await front.page(room, name)
    await front.until(lambda: front.workers.placement.rooms.people == 3)
    expected = {"status": "ok", "rooms": 2, "participants": 3, "workers": {"1": "ok", "2": "ok"}}
    assert await front.health() == (200, expected)
    async with front.http.get(f"{front.url}/metrics") as response:
        assert response.content_type == "text/plain"
        families = {family.name: family for family in text_string_to_metric_families(await response.text())}
    people = {sample.labels["worker"]: sample.value for sample in families["ser_track_participants"].samples}
    assert sorted(people.values()) == [1, 2]
    assert set(people) == {"1", "2"}
    assert families["ser_track_workers_alive"].samples[0].value == 2
    restarts = families["ser_track_worker_restarts"].samples
    assert [(sample.labels["worker"], sample.value) for sample in restarts] == [("1", 0), ("2", 0)]


async def test_the_page_and_its_files_come_from_the_front(front: Front) -> None:
    for path, words in (("/", "<html"), ("/static/room/main.js", "import")):
        async with front.http.get(front.url + path) as response:
            assert response.status == 200
            assert words in await response.text()
            assert "connect-src 'self';" in response.headers["Content-Security-Policy"]


async def test_nothing_else_of_a_worker_can_be_reached_from_outside(front: Front) -> None:
    for path, status in ((REPORT, 404), ("/offer", 405), ("/nothing", 404)):
        async with front.http.get(front.url + path) as response:
            assert response.status == status
            assert (await response.json())["error"]["code"] == "http"


async def test_what_is_wrong_with_an_offer_is_said_by_whoever_finds_it(front: Front) -> None:
    for body, status, code, words in (
        ("{", 400, "bad_request", "not JSON"),
        (b"\xff", 400, "bad_request", "UTF-8"),
        ({**JOIN}, 400, "bad_request", "'sdp'"),
        ({**JOIN, "room": 5, "sdp": "nonsense"}, 400, "bad_request", "'room'"),
        ({**JOIN, "sdp": "nonsense"}, 400, "bad_request", "SDP"),
        ({**JOIN, "sdp": "a" * 100_000}, 413, "too_large", "max_request_bytes"),
        ({**JOIN, "sdp": "v=0"}, 400, "bad_request", "audio"),
        ({**JOIN, "participant": "p-0", "secret": "?", "sdp": "v=0"}, 404, "not_found", "join it first"),
    ):
        answered, refusal = await post(front, body)
        assert (answered, refusal["error"]["code"]) == (status, code)
        assert words in refusal["error"]["message"]
    await front.until(lambda: len(front.workers.placement.rooms) == 0)


async def test_a_wrong_first_message_is_refused(front: Front) -> None:
    for first in ("{", "[]", '{"type":"hello"}', '{"type":"join","room":5,"name":"n","consent":true}'):
        async with front.http.ws_connect(f"{front.url}/ws") as page:
            await page.send_str(first)
            assert (await page.receive_json())["code"] == "bad_request"
            assert (await page.receive()).data == 1008


async def test_every_end_of_a_page_reaches_its_room(
    front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sockets, "JOIN_TIMEOUT_S", 0.2)
    ann = await front.page("r", "Ann")
    seen: dict[str, str] = {}

    async def abort(page: Any) -> None:
        page.socket._conn.transport.abort()

    async def flood(page: Any) -> None:
        for _ in range(400):
            await page.socket.send_json({"type": "signal", "to": "p-0", "data": 1})

    ends: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "leave": lambda page: page.socket.send_json({"type": "leave"}),
        "close": lambda page: page.socket.close(),
        "abort": abort,
        "oversized": lambda page: page.socket.send_str("x" * 100_000),
        "flood": flood,
    }
    for how, end in ends.items():
        page = await front.page("r", how)
        assert (await ann.socket.receive_json(timeout=SOON_S))["type"] == "joined"
        await end(page)
        if how in ("oversized", "flood"):
            assert await page.close_code() == (1009 if how == "oversized" else 1008)
        left = await ann.socket.receive_json(timeout=SOON_S)
        assert (left["type"], left["participant"]) == ("left", page.id)
        seen[how] = left["reason"]
    assert seen["leave"] == "left"
    assert seen["close"] == "closed the page"
    assert seen["oversized"] == "sent a message over the limit"
    assert seen["flood"] == "sent too many messages"
    async with front.http.ws_connect(f"{front.url}/ws") as silent:
        assert (await silent.receive_json(timeout=SOON_S))["code"] == "timeout"
        assert (await silent.receive()).data == 1008
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_page_that_reads_nothing_is_cut_off(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "SEND_S", 0.3)
    ann, deaf = await front.page("r", "Ann"), await front.page("r", "Deaf")
    assert (await ann.socket.receive_json())["type"] == "joined"
    assert deaf.socket._conn is not None
    transport = deaf.socket._conn.transport
    assert transport is not None
    transport.pause_reading()
    big = json.dumps({"type": "signal", "to": deaf.id, "data": "x" * 60_000})
    for _ in range(190):
        await ann.socket.send_str(big)
    left = await ann.socket.receive_json(timeout=SOON_S)
    assert (left["type"], left["participant"]) == ("left", deaf.id)
    transport.abort()


async def test_only_this_user_can_reach_the_workers(front: Front) -> None:
    assert front.workers._folder is not None
    folder = await asyncio.to_thread(os.stat, front.workers._folder.name)
    assert stat.S_IMODE(folder.st_mode) == 0o700


class TestGuard:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        server = replace(config.server, token="sesame", allowed_origins=("https://friend.example",))
        return replace(config, server=server)

    async def test_strangers_get_the_answers_of_a_single_process_and_no_room(self, front: Front) -> None:
        assert (await post(front, JOIN))[0] == 401
        assert (await post(front, JOIN, Authorization="Bearer wrong"))[0] == 403
        friend = {"Authorization": "Bearer sesame", "Origin": "https://friend.example"}
        assert (await post(front, JOIN, **friend | {"Origin": "https://elsewhere.example"}))[0] == 403
        assert (await post(front, JOIN, Authorization="Bearer sesame", Host="rebound.example"))[0] == 403
        for path, status in (
            ("/metrics", 401),
            ("/metrics?token=wrong", 403),
            ("/metrics?token=sesame", 200),
            ("/healthz", 200),
            ("/", 200),
        ):
            async with front.http.get(front.url + path) as response:
                assert response.status == status, path
        for query, code in (("", "token_missing"), ("?token=wrong", "forbidden")):
            async with front.http.ws_connect(f"{front.url}/ws{query}") as page:
                assert (await page.receive_json())["code"] == code
                assert (await page.receive()).data == 1008
        assert len(front.workers.placement.rooms) == 0

    async def test_whose_origin_is_allowed_may_come_by_any_name(self, front: Front) -> None:
        friend = {"Authorization": "Bearer sesame", "Origin": "https://friend.example", "Host": "rebound.example"}
        assert (await post(front, JOIN, **friend))[0] == 400, "it gets as far as its missing sdp"

    async def test_who_is_invited_reaches_the_workers_own_guard_with_all_it_asks_for(self, front: Front) -> None:
        # Each of these is refused by a worker that does not see the token, the origin or the host as it was given.
        for query, given in (("?token=sesame", {}), ("", {"Authorization": "Bearer sesame"})):
            page = await front.page("r", query=query, headers=given)
            assert page.first["type"] == "welcome"
        headers = {"Origin": "https://friend.example", "Host": "friend.example"}
        page = await front.page("r", query="?token=sesame", headers=headers)
        assert page.first["type"] == "welcome"
        async with front.http.post(f"{front.url}/offer?token=sesame", json=JOIN, headers=headers) as answer:
            assert "'sdp'" in (await answer.json())["error"]["message"]
            assert answer.headers.getall("Access-Control-Allow-Origin") == ["https://friend.example"]
        async with front.http.options(f"{front.url}/offer", headers={"Origin": "https://friend.example"}) as answer:
            assert answer.status == 204


class TestRoomLimit:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, rooms=replace(config.rooms, max_rooms=2))

    async def test_it_holds_for_all_workers_together_and_frees_at_once(self, front: Front) -> None:
        ann, _ = await front.page("one"), await front.page("two")
        for refused in ((await front.page("three")), (await front.page("four"))):
            assert (refused.first["type"], refused.first["code"]) == ("error", "full")
            assert refused.first["message"] == "all 2 rooms of this server are in use; try again later"
            assert await refused.close_code() == 1008
        status, body = await post(front, {**JOIN, "room": "five", "sdp": "v=0"})
        assert (status, body["error"]["code"]) == (409, "full")
        assert (await front.page("two", "Ben")).first["type"] == "welcome", "a room that is there takes people"
        await ann.socket.send_json({"type": "leave"})
        assert await ann.close_code() == 1000
        assert (await front.page("three")).first["type"] == "welcome"


async def test_many_pages_at_once_are_more_than_a_pool_of_connections(front: Front) -> None:
    pages = await asyncio.gather(*(front.page(f"room {number // 8}", f"P{number}") for number in range(160)))
    assert {page.first["type"] for page in pages} == {"welcome"}
    loads = sorted(len(front.rooms_of(worker)) for worker in front.workers.placement.workers)
    assert sum(loads) == 20
    assert loads[0] >= 5, "and they are spread"


def test_without_unix_sockets_it_says_so(monkeypatch: pytest.MonkeyPatch, config: Config) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(
        ConfigError, match=r"server.workers is 2, but workers need Unix sockets, which this platform lacks; set it to 1"
    ):
        make_front(config, run_worker)


async def test_a_place_too_deep_for_sockets_is_named(
    monkeypatch: pytest.MonkeyPatch, config: Config, tmp_path: Any
) -> None:
    deep = tmp_path / ("x" * 80)
    await asyncio.to_thread(deep.mkdir)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(ConfigError, match="is too long for one; set TMPDIR"):
        await Supervisor(config, run_worker).start()


async def test_a_worker_that_is_not_ready_in_time_is_an_error_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    monkeypatch.setattr(process, "START_S", 0.01)
    workers = Supervisor(config, run_worker)
    with pytest.raises(WorkerError, match="was not ready in"):
        await workers.start()
    await workers.stop()
    assert workers.processes == {}
