"""The bot pulls a stream from a WHEP server, ours and made with aiortc; what it says where it cannot; its return."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from tests.helpers.meeting_events import MeetingEvents
from tests.helpers.programs import running
from tests.helpers.whep_server import WhepServer, said
from tests.web.conftest import Running

JOIN = (sys.executable, "-m", "ser_track.cli", "join")


@pytest_asyncio.fixture
async def media() -> AsyncIterator[WhepServer]:
    async with WhepServer() as running_server:
        yield running_server


@pytest.fixture
def config(media: WhepServer) -> Config:
    base = Config()
    targets = (media.url, media.url.replace("/talk/whep", "/moved"), "http://127.0.0.1:9")
    meetings = replace(base.meetings, consent="notice", step_timeout_s=3.0, allowed_targets=targets)
    return replace(base, meetings=meetings)


async def join(server: Running, url: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    async with server.http.post(f"{server.url}/meetings", json={"server": "whep", "url": url, **fields}) as response:
        return response.status, await response.json()


@pytest.mark.usefixtures("no_blocking")
async def test_a_stream_is_heard_under_its_name_and_left_with_a_goodbye(server: Running, media: WhepServer) -> None:
    media.speaks = True
    status, meeting = await join(server, media.url, name="Ann", bearer_token="s3cret")
    assert (status, meeting["where"], meeting["results"]) == (201, f"whep {media.url}", "none")
    events = MeetingEvents(server, meeting["where"])
    person = (await events.until("joined", name="Ann", analysed=True))["participant"]
    await events.until("emotion", participant=person, final=True)
    async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
        assert response.status == 204
    assert said(media) == ["POST", "DELETE"]
    assert [headers["Authorization"] for _, _, headers in media.requests] == ["Bearer s3cret"] * 2
    assert media.requests[0][2]["Content-Type"] == "application/sdp"
    assert "s3cret" not in json.dumps(meeting)


async def test_without_a_name_the_speaker_is_called_by_the_address(server: Running, media: WhepServer) -> None:
    _, meeting = await join(server, media.url)
    await MeetingEvents(server, meeting["where"]).until("joined", name="127.0.0.1/talk/whep")


async def test_a_refusal_over_the_link_holds_within_a_second_and_after_a_return(
    server: Running, media: WhepServer
) -> None:
    media.speaks = True
    _, meeting = await join(server, media.url, name="Ann")
    events = MeetingEvents(server, meeting["where"])
    person = (await events.until("speech_started"))["participant"]
    body = {"participant": person, "analysed": False}
    async with asyncio.timeout(1), server.http.post(f"{meeting['notice_url']}/answer", json=body) as response:
        assert response.status == 200
    told = len(events.of(person))
    await media.hang_up()
    await events.until("left", participant=person)
    await events.until("joined", name="Ann", analysed=False)
    assert [event["type"] for event in events.of(person)[told:]] in (["left"], ["consent", "left"])
    assert len({event["participant"] for event in events.events if event["type"] == "joined"}) == 2


async def test_the_bot_comes_back_to_a_stream_that_was_cut_off(server: Running, media: WhepServer) -> None:
    media.speaks = True
    _, meeting = await join(server, media.url, name="Ann")
    events = MeetingEvents(server, meeting["where"])
    first = (await events.until("speech_started"))["participant"]
    media.refusal = 404
    await media.hang_up()
    await events.until("meeting", state="reconnecting")
    while said(media).count("POST") < 2:  # noqa: ASYNC110 - the test's own limit holds
        await asyncio.sleep(0.05)
    media.refusal = None
    again = await events.first(lambda event: event["type"] == "emotion" and event["participant"] != first)
    assert again["participant"] != first


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "unauthorized", "SER_TRACK_BEARER_TOKEN"),
        (403, "unauthorized", "may play this stream"),
        (404, "no_room", "nobody publishes this stream"),
        (406, "refused", "wants to make the offer itself"),
        (500, "refused", "HTTP status 500"),
    ],
)
async def test_what_the_server_refuses_is_said(
    server: Running, media: WhepServer, status: int, code: str, words: str
) -> None:
    media.refusal = status
    answered, refused = await join(server, media.url)
    assert (answered, refused["error"]["code"]) == (502, code)
    assert words in refused["error"]["message"]
    assert said(media) == ["POST"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("hello", "SDP answer cannot be used"),
        ("x" * 70_000, "is over 65536 bytes"),
    ],
)
async def test_an_unusable_answer_is_said_and_the_session_is_ended(
    server: Running, media: WhepServer, answer: str, words: str
) -> None:
    media.answer = answer
    status, refused = await join(server, media.url)
    assert (status, refused["error"]["code"]) == (502, "refused")
    assert words in refused["error"]["message"]
    assert said(media) == ["POST", "DELETE"]


async def test_a_stream_without_audio_is_said(server: Running, media: WhepServer) -> None:
    media.silent = True
    status, refused = await join(server, media.url)
    assert (status, "has no audio" in refused["error"]["message"]) == (502, True)


async def test_redirects_and_servers_that_are_not_there_are_said(server: Running, media: WhepServer) -> None:
    _, moved = await join(server, media.url.replace("/talk/whep", "/moved"))
    assert "redirect, which is not followed" in moved["error"]["message"]
    _, nobody = await join(server, "http://127.0.0.1:9/whep")
    assert (nobody["error"]["code"], "cannot be reached" in nobody["error"]["message"]) == ("unreachable", True)


async def test_the_token_goes_to_no_other_server(
    server: Running, media: WhepServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with WhepServer() as other:
        media.location = other.url.replace("/talk/whep", "/talk/sessions/{}")
        _, meeting = await join(server, media.url, bearer_token="s3cret")
        async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
            assert response.status == 204
        assert other.requests == []
    assert "a session at another server" in caplog.text


@pytest.mark.parametrize(
    "url", ["ftp://x/whep", "http://x/whep?token=1", "http://ann:pw@x/whep", "https://x:0/whep", "x"]
)
async def test_addresses_that_are_none_are_refused(server: Running, url: str) -> None:
    status, refused = await join(server, url)
    assert (status, "'url' must be http(s)://host" in refused["error"]["message"]) == (400, True)


@pytest.mark.meeting
@pytest.mark.parametrize("form", ["kind", "scheme"])
async def test_whep_from_the_command_line(media: WhepServer, form: str) -> None:
    media.speaks = True
    where = ("whep", media.url) if form == "kind" else (media.url.replace("http:", "whep+http:"),)
    async with running(*JOIN, "--json", "--consent", "notice", *where, "--name", "Ann") as program:
        await program.wait_for(r'"type":"emotion".*"final":true')
        program.signal(signal.SIGINT)
        assert await program.ended() == 0
    assert '"name":"Ann"' in program.output
    assert said(media) == ["POST", "DELETE"]
