"""What comes goes again: connections, tasks, threads, sockets and streams end with the people they belong to."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, web
from aiohttp.test_utils import TestServer
from aiortc import MediaStreamTrack, RTCSessionDescription
from aiortc.sdp import SessionDescription

from ser_track.config.schema import Config
from ser_track.engine.engine import Engine
from ser_track.event_types import StreamKey
from ser_track.meetings.adapters.rooms import signalling
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.web.keys import BOT
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running

STOP_S = 5.0
SETTLE_S = 30.0
"""For what takes a moment, on a machine with other things to do."""
CROWD = 20


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, rooms=replace(base.rooms, max_participants=CROWD + 1))


@pytest.fixture(autouse=True)
def _quick_collections() -> Iterator[None]:
    """`Traces` looks through all objects again and again; those that were there before the test need not be."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def engine_of(app: web.Application) -> Engine:
    return app[BOT].live._engine


def udp_sockets() -> int:
    """How many UDP sockets this process holds."""
    if sys.platform != "linux":
        pytest.skip("open sockets are counted in /proc, which only Linux has")
    tables = [Path(f"/proc/self/net/{name}").read_text().splitlines()[1:] for name in ("udp", "udp6")]
    udp = {f"socket:[{line.split()[9]}]" for table in tables for line in table}
    return sum(_target(descriptor) in udp for descriptor in Path("/proc/self/fd").iterdir())


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # the one with which the folder was listed
        return ""


@dataclass
class Traces:
    """What a person in a room brings about, all over the process."""

    tasks: set["asyncio.Task[Any]"]
    threads: set[threading.Thread]
    sockets: int
    peers: int

    @classmethod
    def now(cls) -> "Traces":
        gc.collect()
        # asyncio's own pool keeps its threads, for whom it ever was used.
        threads = {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
        peers = sum(isinstance(thing, AnalysisPeer) for thing in gc.get_objects())
        return cls(asyncio.all_tasks(), threads, udp_sockets(), peers)

    def left_over(self) -> dict[str, Any]:
        """What there is now, and was not then."""
        now = Traces.now()
        left = {
            "tasks": [str(task.get_coro()) for task in now.tasks - self.tasks],
            "threads": [thread.name for thread in now.threads - self.threads],
            "sockets": max(0, now.sockets - self.sockets),
            "analysis peers": max(0, now.peers - self.peers),
        }
        return {what: things for what, things in left.items() if things}

    async def settled(self) -> dict[str, Any]:
        """What is left over after a while; aiortc needs 20 ms to notice the end of a connection that was beginning."""
        await true_soon(lambda: not self.left_over())
        return self.left_over()


async def true_soon(condition: Callable[[], bool], timeout_s: float = SETTLE_S) -> bool:
    until = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < until:  # noqa: ASYNC110  # what is waited for sets no event
        await asyncio.sleep(0.02)
    return condition()


class Page:
    """What a browser's page does: joins on the WebSocket, then offers its analysis connection, perhaps again."""

    def __init__(self, http: ClientSession, url: str, socket: ClientWebSocketResponse, welcome: dict[str, Any]) -> None:
        self._http, self._url = http, url
        self.socket, self.welcome = socket, welcome
        self.id: str = welcome["participant"]

    @classmethod
    async def enter(cls, http: ClientSession, url: str, stack: AsyncExitStack, room: str = "r", **how: Any) -> "Page":
        socket = await stack.enter_async_context(http.ws_connect(f"{url}/ws", **how))
        await socket.send_json({"type": "join", "room": room, "name": "Page", "consent": True})
        return cls(http, url, socket, await socket.receive_json())

    def body(self, sdp: str) -> dict[str, Any]:
        known = {key: self.welcome[key] for key in ("room", "participant", "secret")}
        return {**known, "sdp": sdp, "type": "offer"}

    async def connect(self, peer: Peer, track: MediaStreamTrack) -> dict[str, Any]:
        """Give this page ``peer`` as its analysis connection; returns the answer."""
        peer.connection.addTrack(track)
        await peer.connection.setLocalDescription(await peer.connection.createOffer())
        async with self._http.post(f"{self._url}/offer", json=self.body(peer.connection.localDescription.sdp)) as reply:
            answer: dict[str, Any] = await reply.json()
            assert reply.status == 200, answer
        peer.id = self.id
        await peer.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        return answer


Enter = Callable[..., Any]


@pytest_asyncio.fixture
async def enter(server: Running) -> AsyncIterator[Enter]:
    async with AsyncExitStack() as stack:

        async def join(**how: Any) -> Page:
            return await Page.enter(server.http, server.url, stack, **how)

        yield join


async def an_offer() -> str:
    """An offer whose sender is gone by the time it is answered."""
    async with ClientSession() as http:
        peer = Peer(http, "")
        peer.connection.addTransceiver("audio", direction="sendonly")
        await peer.connection.setLocalDescription(await peer.connection.createOffer())
        sdp: str = peer.connection.localDescription.sdp
        await peer.close()
    return sdp


async def test_twenty_who_came_and_left_leave_nothing(server: Running) -> None:
    before = Traces.now()
    async with ClientSession() as http:
        crowd = [Peer(http, server.url) for _ in range(CROWD)]
        await asyncio.gather(*(one.join("r", "One", RecordingTrack(SPOKEN, 1.0)) for one in crowd))
        await asyncio.gather(*(one.wait_for("joined", participant=one.id) for one in crowd))
        assert await true_soon(lambda: len(engine_of(server.app)._streams) == CROWD, 20)
        during = before.left_over()
        assert during["analysis peers"] == CROWD
        assert during["sockets"] >= CROWD
        await asyncio.gather(*(one.close() for one in crowd))
        assert await true_soon(lambda: len(server.rooms) == 0)
        del crowd
    assert await before.settled() == {}
    assert engine_of(server.app)._streams == {}
    assert server.bot.live._open == set()


async def test_a_page_that_vanishes_without_goodbye_has_left(enter: Enter, peer: MakePeer, server: Running) -> None:
    stays, vanishes = await enter(), await enter()
    await vanishes.connect(peer(), RecordingTrack(SPOKEN))
    assert (await stays.socket.receive_json())["type"] == "joined"
    vanishes.socket._conn.transport.abort()
    left = await stays.socket.receive_json(timeout=SETTLE_S)
    assert (left["type"], left["participant"]) == ("left", vanishes.id)
    assert [person.id for person in server.people()] == [stays.id]
    assert await true_soon(lambda: not engine_of(server.app)._streams)


async def test_a_page_that_answers_no_heartbeat_has_left(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "_HEARTBEAT_S", 0.4)
    stays = await enter()
    # Its connection stands, as when a laptop is shut: nothing tells the server but the missing answers.
    silent = await enter(autoping=False)
    assert (await stays.socket.receive_json())["type"] == "joined"
    left = await stays.socket.receive_json(timeout=SETTLE_S)
    assert (left["type"], left["participant"]) == ("left", silent.id)


async def test_a_page_that_connects_anew_goes_on_in_a_new_stream(enter: Enter, peer: MakePeer, server: Running) -> None:
    page, first, second = await enter(), peer(), peer()
    one = await page.connect(first, RecordingTrack(SPOKEN))
    await first.wait_for("speech_started", participant=page.id, stream=one["stream"])
    two = await page.connect(second, RecordingTrack(SPOKEN))
    assert two["participant"] == one["participant"] == page.id
    assert two["stream"] != one["stream"]
    assert await true_soon(lambda: first.connection.connectionState == "closed")
    await second.wait_for("emotion", participant=page.id, stream=two["stream"], final=True)
    assert {key.stream for key in engine_of(server.app)._streams} == {two["stream"]}
    assert [person.id for person in server.people()] == [page.id], "connecting anew is no leaving"


async def test_nothing_is_heard_of_who_withdraws_in_mid_sentence(enter: Enter, peer: MakePeer, server: Running) -> None:
    page, speaker, observer = await enter(), peer(), peer()
    await observer.join("r", "Observer", None, consent=False)
    answer = await page.connect(speaker, RecordingTrack(SPOKEN))
    await observer.wait_for("speech_started", participant=page.id)
    (session,) = server.bot.meetings.present
    key = StreamKey(session.id, page.id, answer["stream"])
    engine = engine_of(server.app)
    assert key in engine
    await page.socket.send_json({"type": "consent", "analysed": False})
    withdrawn = await observer.wait_for("consent", participant=page.id, analysed=False)
    assert await true_soon(lambda: key not in engine, 1.0)
    heard = server.bot.metrics.audio_s._value.get()
    await asyncio.sleep(2.5)
    after = observer.events[observer.events.index(withdrawn) + 1 :]
    assert [event for event in after if event.get("participant") == page.id] == []
    assert (engine._streams, len(engine._jobs), server.bot.live._open) == ({}, 0, set())
    assert server.bot.metrics.audio_s._value.get() == heard, "what is sent all the same is not even stored"


async def test_video_is_refused_and_audio_beside_it_works(peer: MakePeer) -> None:
    caller = peer()
    caller.connection.addTransceiver("video", direction="sendonly")
    answer = await caller.join("r", "Caller", RecordingTrack(SPOKEN))
    sections = {media.kind: media.direction for media in SessionDescription.parse(answer["sdp"]).media}
    assert sections == {"video": "inactive", "audio": "recvonly", "application": None}
    await caller.wait_for("speech_started", participant=caller.id)


@pytest.mark.parametrize("first_speaks", [True, False])
async def test_of_two_audio_tracks_the_first_is_analysed(peer: MakePeer, server: Running, first_speaks: bool) -> None:
    caller = peer()
    silence, speech = RecordingTrack(SPOKEN, 0), RecordingTrack(SPOKEN)
    caller.connection.addTrack(speech if first_speaks else silence)
    await caller.join("r", "Caller", silence if first_speaks else speech)
    await caller.wait_for("joined", participant=caller.id)
    assert await true_soon(lambda: len(engine_of(server.app)._streams) == 1)
    begun = time.monotonic()
    if first_speaks:
        await caller.wait_for("emotion", participant=caller.id, final=True)
    else:
        await asyncio.sleep(4)
        assert {event["type"] for event in caller.events} == {"notice", "joined"}
    heard_s = server.bot.metrics.audio_s._value.get()
    assert heard_s < time.monotonic() - begun + 1.5, "two tracks at once would be twice as much"


@pytest.mark.parametrize("who", ["program", "page"])
@pytest.mark.parametrize("after_s", [0.0, 0.005, 0.01, 0.015, 0.02, 0.03])
async def test_who_is_gone_before_the_answer_leaves_nothing(server: Running, who: str, after_s: float) -> None:
    sdp = await an_offer()
    before = Traces.now()
    async with ClientSession() as http, AsyncExitStack() as stack:
        body: dict[str, Any] = {"room": "r", "name": "Gone", "consent": True, "sdp": sdp, "type": "offer"}
        if who == "page":
            page = await Page.enter(http, server.url, stack)
            body = page.body(sdp)
        post = asyncio.create_task(http.post(f"{server.url}/offer", json=body).__aenter__())
        await asyncio.sleep(after_s)
        if who == "page":
            await page.socket.close()
        else:
            post.cancel()
        (answer,) = await asyncio.gather(post, return_exceptions=True)
        if isinstance(answer, BaseException):
            assert isinstance(answer, (asyncio.CancelledError, ClientError))
        else:
            answer.release()
            assert answer.status in (200, 404)
        # Nobody goes on with the connection, so a program that was answered all the same is disconnected as if it died.
        await server.bot.meetings.leave_all()
    async with asyncio.timeout(SETTLE_S):
        while before.left_over():  # the request may have been still on its way in
            await server.bot.meetings.leave_all()
            await asyncio.sleep(0.02)
    assert await before.settled() == {}
    assert server.bot.live._open == set()


async def _cut_short(server: Running, sdp: str, step: int, connected: bool, how: str) -> bool:
    """Let a participant's `connect` run ``step`` steps, then cancel it or let them leave; whether it was over."""
    room, person = server.rooms.join("r", "Page", True, lambda message: None)
    if connected:
        await person.connect(sdp)
    work = asyncio.create_task(person.connect(sdp))
    for _ in range(step):
        await asyncio.sleep(0)
    over = work.done()
    if how == "cancel":
        work.cancel()
        await asyncio.wait([work])
    await room.leave(person, "gone")
    await asyncio.gather(work, return_exceptions=True)
    return over


@pytest.mark.parametrize("how", ["cancel", "leave"])
@pytest.mark.parametrize("connected", [False, True], ids=["first", "second"])
async def test_a_connection_given_up_at_any_step_leaves_nothing(server: Running, connected: bool, how: str) -> None:
    sdp = await an_offer()
    before = Traces.now()
    step = 0
    async with asyncio.timeout(60):
        # The steps of waiting for the engine's thread are as many as the machine likes; the others are few.
        while not await _cut_short(server, sdp, step, connected, how) and step < 60:
            step += 1
    assert step > 10, "it was cut short somewhere"
    assert await before.settled() == {}
    assert server.bot.live._open == set()
    async with server.http.get(f"{server.url}/healthz") as health:
        assert health.status == 200


async def test_an_answer_that_is_given_up_disturbs_nobody_else(server: Running, peer: MakePeer) -> None:
    sdp, bystander = await an_offer(), peer()
    await bystander.join("r", "Bystander", RecordingTrack(SPOKEN))
    await bystander.wait_for("speech_started", participant=bystander.id)
    for step in range(12, 60, 2):
        await _cut_short(server, sdp, step, True, "cancel")
    await bystander.wait_for("emotion", participant=bystander.id, final=True)
    assert [event for event in bystander.events if event["type"] == "error"] == []


@pytest.mark.parametrize("inside", ["settled", "closing", "joining"])
async def test_a_server_that_stops_takes_everything_with_it(app: web.Application, inside: str) -> None:
    sdp = await an_offer()
    before = Traces.now()
    async with ClientSession() as http, AsyncExitStack() as stack:
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        url = str(server.make_url("")).rstrip("/")
        page, program, own = await Page.enter(http, url, stack), Peer(http, url), Peer(http, url)
        await page.connect(own, RecordingTrack(SPOKEN))
        await program.join("r", "Program", RecordingTrack(SPOKEN))
        await program.wait_for("speech_started", participant=page.id)
        late: list[asyncio.Task[Any]] = []
        if inside == "closing":
            await page.socket.close()
        elif inside == "joining":
            body = {"room": "r", "name": "Late", "consent": True, "sdp": sdp, "type": "offer"}
            late.append(asyncio.create_task(http.post(f"{url}/offer", json=body).__aenter__()))
            await asyncio.sleep(0.005)
        begun = time.monotonic()
        await server.close()
        assert time.monotonic() - begun < STOP_S
        for answer in await asyncio.gather(*late, return_exceptions=True):
            if not isinstance(answer, BaseException):
                answer.release()
        await asyncio.gather(program.close(), own.close())
        assert not app[BOT].live.alive
    del page, program, own
    assert await before.settled() == {}


async def test_a_page_that_closes_just_before_the_server_stops_leaves_nothing(app: web.Application) -> None:
    sdp = await an_offer()
    before = Traces.now()
    async with ClientSession() as http, AsyncExitStack() as stack:
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        url = str(server.make_url("")).rstrip("/")
        page = await Page.enter(http, url, stack)
        async with http.post(f"{url}/offer", json=page.body(sdp)) as answer:
            assert answer.status == 200, await answer.text()
        # Alone: nobody else's leaving gives theirs the time to end.
        await page.socket.close()
        await server.close()
    del page
    assert await before.settled() == {}
