"""What goes wrong between the bot and a real Janus: it comes back by itself, or says why it cannot."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ser_track.config.schema import Config
from ser_track.meetings.adapters.janus.room import JanusRoom
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import PIN, ROOM, SMALL, WITH_PIN, JanusServer, free_port
from tests.meetings.adapters.janus.test_room import events_of, known_as, speaking, watching
from tests.meetings.conftest import MakePerson, SendBot
from tests.web.conftest import Running
from tests.web.test_lifetimes import SETTLE_S, Traces, udp_sockets

pytestmark = pytest.mark.meeting
SECRET = "s3cr3t-of-nobody-else"


def room_of(server: Running) -> JanusRoom:
    (session,) = server.bot.meetings.present
    assert isinstance(session.meeting, JanusRoom)
    return session.meeting


async def state(server: Running, bot: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The meeting, once it is in this state."""
    async with asyncio.timeout(40), server.http.get(f"{server.url}/meetings/{bot['id']}/events") as stream:
        async for line in stream.content:
            if f'"state":"{wanted}"' in line.decode():
                break
    async with server.http.get(f"{server.url}/meetings/{bot['id']}") as response:
        described: dict[str, Any] = await response.json()
        return described


class TestComesBack:
    async def test_after_janus_was_started_again(
        self, person: MakePerson, send_bot: SendBot, server: Running, janus: JanusServer
    ) -> None:
        bot = await send_bot()
        await janus.kill()
        lost = await state(server, bot, "reconnecting")
        assert lost["reason"]
        await janus.start()
        await state(server, bot, "joined")
        await self.someone_is_heard(person)

    async def test_after_its_websocket_broke(self, person: MakePerson, send_bot: SendBot, server: Running) -> None:
        bot = await send_bot()
        ann = await speaking(person("Ann"))
        client = room_of(server)._client
        assert client is not None
        transport = client._socket.get_extra_info("socket")
        transport.shutdown(2)
        await state(server, bot, "reconnecting")
        await state(server, bot, "joined")
        observer = await watching(person("Observer"))
        participant = await known_as(observer, "Ann")
        await observer.wait_for("speech_started", participant=participant, timeout_s=30)
        assert ann.id

    async def test_after_the_connection_of_its_results_failed(
        self, person: MakePerson, send_bot: SendBot, server: Running
    ) -> None:
        bot = await send_bot()
        results = room_of(server)._results
        assert results is not None
        assert results._connection.sctp is not None
        await results._connection.sctp.transport.transport.stop()  # as when no answer comes to ICE's checks any more
        await state(server, bot, "reconnecting")
        await state(server, bot, "joined")
        await self.someone_is_heard(person)

    async def test_after_the_connection_to_one_person_failed_which_nobody_else_notices(
        self, person: MakePerson, send_bot: SendBot, server: Running
    ) -> None:
        await send_bot()
        observer = await watching(person("Observer"))
        await speaking(person("Ann"))
        await speaking(person("Bob"))
        ann, bob = await known_as(observer, "Ann"), await known_as(observer, "Bob")
        first = await observer.wait_for("speech_started", participant=ann)
        await observer.wait_for("speech_started", participant=bob)
        feed = next(feed for feed in room_of(server)._feeds.values() if feed.attendee.name == "Ann")
        assert feed._peer is not None
        await feed._peer._connection.getReceivers()[0].transport.transport.stop()
        async with asyncio.timeout(30):
            seen = len(observer.heard)
            while all(e["stream"] == first["stream"] for e in events_of(observer, ann, "speech_started", "stalled")):
                await observer.wait_for_news(seen)
                seen = len(observer.heard)
        assert len({event["stream"] for event in events_of(observer, bob, "speech_started", "emotion")}) == 1
        assert [event for event in observer.heard if event["type"] == "left"] == []

    async def someone_is_heard(self, person: MakePerson) -> None:
        observer = await watching(person("Observer"))
        await speaking(person("Ann"))
        await observer.wait_for("emotion", participant=await known_as(observer, "Ann"), timeout_s=30)


async def ask(server: Running, **body: Any) -> tuple[int, dict[str, Any]]:
    async with server.http.post(f"{server.url}/meetings", json={"server": "janus", **body}) as response:
        return response.status, (await response.json()).get("error", {})


class TestRefusals:
    @pytest.fixture
    def config(self, janus_server: JanusServer, absent: str) -> Config:
        base = Config()
        allowed = (janus_server.url, absent)
        return replace(base, meetings=replace(base.meetings, allowed_targets=allowed, step_timeout_s=2.0))

    @pytest.fixture
    def absent(self) -> str:
        return f"ws://127.0.0.1:{free_port()}"

    @pytest.mark.parametrize(
        ("target", "code", "words"),
        [
            ({"room": 99}, "no_room", "cannot join the room: No such room"),
            ({"room": WITH_PIN}, "wrong_pin", "give the room's PIN"),
            ({"room": WITH_PIN, "pin": SECRET}, "wrong_pin", "give the room's PIN"),
        ],
    )
    async def test_each_has_its_code_and_says_where_which_step_and_what_to_do(
        self,
        target: dict[str, Any],
        code: str,
        words: str,
        server: Running,
        janus: JanusServer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        status, error = await ask(server, url=janus.url, **target)
        assert (status, error["code"]) == (502, code)
        assert f"janus {janus.url} room {target['room']}: cannot join the room" in error["message"]
        assert words in error["message"]
        assert SECRET not in error["message"] + caplog.text
        assert udp_sockets() == 0
        assert server.bot.meetings.present == []

    async def test_a_room_that_is_full(self, server: Running, person: MakePerson, janus: JanusServer) -> None:
        await speaking(person("Ann", SMALL))
        status, error = await ask(server, url=janus.url, room=SMALL)
        assert (status, error["code"]) == (502, "room_full")
        assert "cannot publish the feed with the results" in error["message"]

    async def test_with_the_pin_it_gets_in(self, server: Running, janus: JanusServer) -> None:
        body = {"server": "janus", "url": janus.url, "room": WITH_PIN, "pin": PIN}
        async with server.http.post(f"{server.url}/meetings", json=body) as response:
            assert response.status == 201
            assert PIN not in await response.text()

    async def test_a_server_that_is_not_there(self, server: Running, absent: str) -> None:
        status, error = await ask(server, url=absent, room=ROOM)
        assert (status, error["code"]) == (502, "unreachable")
        assert f"janus {absent} room {ROOM}: cannot connect to Janus: nobody answers" in error["message"]

    async def test_a_server_that_accepts_and_never_answers(self, server: Running, absent: str) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        port = int(absent.rpartition(":")[2])
        async with await asyncio.start_server(silent, "127.0.0.1", port):
            status, error = await ask(server, url=absent, room=ROOM)
        assert (status, error["code"]) == (502, "unreachable")
        assert "no connection in 2 s" in error["message"]

    async def test_a_web_server_that_is_no_janus_and_one_that_leads_elsewhere(
        self, server: Running, absent: str, janus: JanusServer
    ) -> None:
        from aiohttp import web
        from aiohttp.test_utils import TestServer

        async def elsewhere(request: web.Request) -> web.Response:
            raise web.HTTPFound(janus.url.replace("ws:", "http:"))

        app = web.Application()
        app.router.add_get("/moved", elsewhere)
        async with TestServer(app, host="127.0.0.1", port=int(absent.rpartition(":")[2])):
            status, error = await ask(server, url=f"{absent}/nothing", room=ROOM)
            assert (status, error["code"]) == (502, "unreachable")
            assert "HTTP status 404" in error["message"]
            status, error = await ask(server, url=f"{absent}/moved", room=ROOM)
            assert (status, error["code"]) == (502, "unreachable")
            assert "redirect" in error["message"], "it is not led where it was not sent"

    async def test_a_target_that_is_not_allowed_is_not_even_called(self, server: Running, janus: JanusServer) -> None:
        for url in (
            janus.url.replace("127.0.0.1", "localhost"),
            janus.url.replace("ws:", "wss:"),
            f"ws://127.0.0.1:{free_port()}",
            janus.url.replace("127.0.0.1", "127.0.0.2"),
        ):
            status, error = await ask(server, url=url, room=ROOM)
            assert (status, error["code"]) == (403, "forbidden")
            assert "meetings.allowed_targets" in error["message"]


class TestLeaves:
    async def test_nothing_of_it_is_left_here_or_there(
        self, person: MakePerson, send_bot: SendBot, server: Running
    ) -> None:
        async with server.http.get(f"{server.url}/healthz"):
            before = Traces.now()
        observer = await watching(person("Observer"))
        ann = await speaking(person("Ann"))
        bot = await send_bot()
        participant = await known_as(observer, "Ann")
        await observer.wait_for("emotion", participant=participant)
        async with server.http.delete(f"{server.url}/meetings/{bot['id']}") as response:
            assert response.status == 204
        said_goodbye = await observer.wait_for("meeting", state="left")
        assert said_goodbye["reason"]
        finals = [event for event in events_of(observer, participant, "emotion") if event["final"]]
        assert finals or not events_of(observer, participant, "speech_ended")[-1]["classified"]
        there = (await observer.request({"request": "listparticipants"}))["participants"]
        assert sorted(one["display"] for one in there) == ["Ann", "Observer"]
        assert server.bot.live.streams == set()
        await ann.close()
        await observer.close()
        until = time.monotonic() + SETTLE_S
        while (left := before.left_over()) and time.monotonic() < until:  # noqa: ASYNC110  # nobody says that it is over
            await asyncio.sleep(0.2)
        assert not left

    async def test_nothing_is_left_either_when_leaving_is_cut_short(
        self, send_bot: SendBot, server: Running, janus: JanusServer, person: MakePerson
    ) -> None:
        observer = person("Observer")
        await observer.join()
        await send_bot()
        room = room_of(server)
        client = room._client
        assert client is not None
        (session,) = server.bot.meetings.present
        leaving = asyncio.create_task(room.close())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await session.leave("again")
        assert client.closed.done()
        assert client._socket.closed
        there = (await observer.request({"request": "listparticipants"}))["participants"]
        assert [one["display"] for one in there] == ["Observer"]

    async def test_when_it_was_thrown_out_it_does_not_come_back(
        self, person: MakePerson, send_bot: SendBot, server: Running
    ) -> None:
        observer = await watching(person("Observer"))
        bot = await send_bot()
        await self.throw_out_the_bot(observer)
        ended = await state(server, bot, "left")
        assert "was kicked" in ended["reason"]

    async def test_why_it_must_go_may_be_said_after_its_connection_was_closed(
        self, person: MakePerson, send_bot: SendBot, server: Running
    ) -> None:
        observer = await watching(person("Observer"))
        bot = await send_bot()
        room, loop = room_of(server), asyncio.get_running_loop()
        handle, results = room._handle, room._results
        assert handle is not None
        assert results is not None
        take = handle.on_event

        def late(message: dict[str, Any]) -> None:
            results.lost.add_done_callback(lambda _: loop.call_later(0.5, take, message))

        handle.on_event = late
        await self.throw_out_the_bot(observer)
        ended = await state(server, bot, "left")
        assert "was kicked" in ended["reason"]

    @staticmethod
    async def throw_out_the_bot(observer: JanusPerson) -> None:
        there = (await observer.request({"request": "listparticipants"}))["participants"]
        (bot,) = (one["id"] for one in there if one["id"] != observer.id)
        await observer.administer("kick", id=bot)

    async def test_when_the_room_is_destroyed(self, person: MakePerson, send_bot: SendBot, server: Running) -> None:
        observer = person("Observer")
        await observer.join()
        bot = await send_bot()
        await observer.administer("destroy")
        ended = await state(server, bot, "left")
        assert "destroyed" in ended["reason"]


async def test_a_meeting_that_fails_disturbs_no_other(
    person: MakePerson, send_bot: SendBot, server: Running, tmp_path: Path
) -> None:
    first, second = await send_bot(), await send_bot(WITH_PIN, pin=PIN)
    observer = await watching(person("Observer"))
    await speaking(person("Ann"))
    participant = await known_as(observer, "Ann")
    session = server.bot.meetings.find(second["id"])

    async def broken() -> str:
        raise RuntimeError("a fault in an adapter")

    vars(session.meeting)["wait"] = broken
    room = session.meeting
    assert isinstance(room, JanusRoom)
    assert room._client is not None
    room._client.closed.set_result("cut by the test")
    ended = await state(server, second, "reconnecting")
    assert ended["id"] == second["id"]
    await observer.wait_for("emotion", participant=participant, final=True)
    assert server.bot.meetings.find(first["id"]).state == "joined"
