"""The programs in docs/programs.md, as they stand there, against the running server."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from ser_track.event_types import Consent
from tests.helpers.api_documents import DOCS
from tests.helpers.browser import launched
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import PIN, ROOM, WITH_PIN, JanusServer
from tests.helpers.mediajson_bridge import Bridge
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import janus as janus
from tests.meetings.conftest import janus_server as janus_server
from tests.paths import SPOKEN
from tests.web.conftest import Running

TOKEN = "sesame"
TEXT = (DOCS / "programs.md").read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def defined(name: str) -> Any:
    """The function of this name, from the block that defines it."""
    (code,) = [code for code in snippets("python") if f"def {name}(" in code]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/programs.md", "exec"), names)
    return names[name]


@pytest.fixture
def consent() -> Consent:
    return "notice"


@pytest.fixture
def config(consent: Consent) -> Config:
    base = Config()
    meetings = replace(base.meetings, consent=consent)
    return replace(base, server=replace(base.server, token=TOKEN), meetings=meetings)


@pytest_asyncio.fixture
async def bridge(server: Running) -> AsyncIterator[Bridge]:
    server.http.headers.update({"Authorization": f"Bearer {TOKEN}"})
    async with Bridge(server.http, server.url, "talk") as connected:
        yield connected


async def test_the_results_of_a_meeting_are_read_to_its_end_also_when_cut_off(
    server: Running, bridge: Bridge, words: list[bytes]
) -> None:
    meeting, results = await bridge.meeting(), defined("results")
    reading = asyncio.create_task(asyncio.to_thread(lambda: list(results(server.url, meeting["id"], TOKEN))))
    await bridge.start("ann")
    await bridge.speak("ann", words)
    await bridge.stop("ann")
    await bridge.wait_for(type="transcription-result", is_interim=False, participant={"id": "ann"})
    await bridge.send("session-end")
    await bridge.closed()
    async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
        assert response.status == 204
    async with asyncio.timeout(20):
        heard = await reading
    told = [message["ser_track"] for message in bridge.messages if "ser_track" in message]
    finals = [event for event in told if event["type"] == "emotion" and event["final"]]
    assert heard == [event | {"name": "ann"} for event in finals]
    assert len(heard) > 1


@pytest.mark.parametrize("consent", ["required", "notice"])
async def test_a_recording_is_sent_and_heard_when_its_speaker_agreed_under_each_rule(
    server: Running, consent: Consent, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ser_track"):
        async with asyncio.timeout(30):
            heard = await defined("hear_recording")(server.url, str(SPOKEN), "ann", True, TOKEN)
    assert len(heard) > 1
    assert all(event["end_s"] > event["start_s"] for event in heard)
    (session,) = server.bot.meetings
    said = f"{session.where}: nobody is analysed before they agree, at {session.roster.notice.url} "
    assert caplog.text.count(said) == (consent == "required")


@pytest.mark.parametrize("consent", ["required", "notice"])
async def test_nothing_is_heard_of_a_speaker_who_refused(server: Running, consent: Consent) -> None:
    async with asyncio.timeout(30):
        assert await defined("hear_recording")(server.url, str(SPOKEN), "ann", False, TOKEN) == []


@pytest.mark.browser
async def test_a_page_follows_until_the_meeting_is_over(server: Running, bridge: Bridge, words: list[bytes]) -> None:
    (code,) = snippets("js")
    meeting = await bridge.meeting()
    async with launched(SPOKEN) as browser:
        page = await browser.new_page()
        await page.goto(server.url)
        follow = f"""(url) => {{ {code}
            window.shown = [];
            window.source = follow(url, (...result) => window.shown.push(result));
        }}"""
        await page.evaluate(follow, f"{meeting['events']}?token={TOKEN}")
        await page.wait_for_function("() => window.source.readyState === EventSource.OPEN")
        await bridge.start("ann")
        await bridge.speak("ann", words)
        await page.wait_for_function("() => window.shown.length")
        async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
            assert response.status == 204
        await page.wait_for_function("() => window.source.readyState === EventSource.CLOSED")
        ((name, label, confidence), *_) = await page.evaluate("window.shown")
    assert name == "ann"
    assert isinstance(label, str)
    assert 0 < confidence <= 1


@pytest.mark.meeting
async def test_one_bot_prints_the_results_of_several_meetings(
    server: Running, janus: JanusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [JanusPerson(server.http, janus.url, "Ann"), JanusPerson(server.http, janus.url, "Bob", WITH_PIN)]
    for person, pin in zip(people, (None, PIN), strict=True):
        await person.join(pin)
        await person.publish(RecordingTrack(SPOKEN))
    own = f"janus://127.0.0.1:{janus.port}"
    joining = defined("join_all")(f"{own}?room={ROOM}", f"{own}?room={WITH_PIN}&pin={PIN}", consent="notice")
    running, printed = asyncio.create_task(joining), ""
    async with asyncio.timeout(40):
        while not re.search(r"^Ann: \w+ \(\d+%\)$", printed, re.M) or not re.search(r"^Bob: \w+", printed, re.M):
            assert not running.done()
            await asyncio.sleep(0.2)
            printed += capsys.readouterr().out
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert "To refuse, at any time: send" in printed
    for person in people:
        answer = await person.request({"request": "listparticipants"})
        assert [one["display"] for one in answer["participants"]] == [person.name]
        await person.close()
