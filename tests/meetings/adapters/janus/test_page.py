"""Somebody in a real Janus room with a page that is not ours: what the bot makes of a real browser's media."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from tests.helpers.browser import launched
from tests.helpers.janus_admin import subscribers
from tests.helpers.janus_server import ROOM, WITH_DTX, JanusServer
from tests.helpers.meeting_reader import ABOUT_A_VOICE, Reader, reading
from tests.meetings.conftest import SendBot
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = [pytest.mark.meeting, pytest.mark.browser]

PAGE = Path(__file__).with_name("page.html")
SILENCE_S = 9


@pytest.fixture
def microphone() -> Path:
    return SPOKEN


@pytest_asyncio.fixture
async def page(microphone: Path) -> AsyncIterator[Page]:
    """The page, opened and not in a room yet."""
    app, wrong = web.Application(), list[str]()
    app.add_routes([web.get("/", _page)])
    async with TestServer(app) as site, launched(microphone) as browser:
        opened = await browser.new_page()
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        await opened.goto(str(site.make_url("/")))
        yield opened
    assert wrong == []


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


async def enter(page: Page, janus: JanusServer, room: int = ROOM, *, dtx: bool = False) -> None:
    """Join and publish, as Ann; returns once media flows."""
    await page.evaluate("(how) => enter(...how)", [janus.url, room, "Ann", dtx])


async def hears(page: Page, kind: str, **fields: Any) -> None:
    """Return once the page has got this event from the bot."""
    wanted = "(wanted) => heard.some((each) => Object.entries(wanted).every(([key, value]) => each[key] === value))"
    await page.wait_for_function(wanted, arg={"type": kind, **fields}, timeout=30_000)


async def speaks(reader: Reader, participant: str) -> float:
    """Return once a word of theirs was heard that began after now; the moment of it."""
    await reader.wait_for("emotion", participant=participant, final=False, after_s=time.monotonic())
    return time.monotonic()


async def test_a_page_hears_what_the_bot_does_and_gets_its_results_and_its_picture_goes_nowhere(
    janus: JanusServer, server: Running, page: Page, send_bot: SendBot
) -> None:
    await enter(page, janus)
    bot = await send_bot()
    await hears(page, "notice", url=bot["notice_url"])
    async with reading(server, bot) as reader:
        ann = await reader.participant("Ann")
        await hears(page, "joined", participant=ann, name="Ann", analysed=True)
        await hears(page, "emotion", participant=ann, final=True)
    assert (await page.evaluate("sent()"))["video"] > 0
    assert await subscribers(server.http, janus, "Ann") == {"audio": 1, "video": 0, "data": 1}


async def test_a_page_that_opts_out_on_its_data_channel_is_not_analysed_a_second_later(
    janus: JanusServer, server: Running, page: Page, send_bot: SendBot
) -> None:
    await enter(page, janus)
    async with reading(server, await send_bot()) as reader:
        ann = await reader.participant("Ann")
        await speaks(reader, ann)
        await page.evaluate("say({type: 'opt_out'})")
        said_s = time.monotonic()
        await hears(page, "consent", participant=ann, analysed=False)
        assert await page.evaluate("rate(5)") > 40, "it still sends its voice"
        assert reader.of(ann, *ABOUT_A_VOICE, after_s=said_s + 1) == []
        await page.evaluate("say({type: 'consent', analysed: true})")
        await speaks(reader, ann)


@pytest.mark.slow
class TestDtx:
    @pytest.fixture
    def microphone(self, tmp_path: Path) -> Path:
        """Speech, and then silence for longer than it takes to be called stalled."""
        path = tmp_path / "with_silence.wav"
        with wave.open(str(SPOKEN)) as spoken, wave.open(str(path), "wb") as made:
            made.setparams(spoken.getparams())
            made.writeframes(spoken.readframes(spoken.getnframes()) + bytes(2 * SILENCE_S * spoken.getframerate()))
        return path

    async def test_silence_that_is_not_sent_is_no_stall_and_no_fault_and_time_goes_on(
        self, janus: JanusServer, server: Running, page: Page, send_bot: SendBot
    ) -> None:
        await enter(page, janus, WITH_DTX, dtx=True)
        async with reading(server, await send_bot(WITH_DTX)) as reader:
            ann = await reader.participant("Ann")
            await speaks(reader, ann)
            await page.evaluate("sparse()")
            silent_s = time.monotonic()
            again = await reader.wait_for("speech_started", participant=ann, after_s=silent_s)
            before = reader.of(ann, "speech_ended", until_s=silent_s)[-1].event
            assert before["stream"] == again["stream"]
            assert before["reason"] == "silence"
            assert again["start_s"] - before["end_s"] > SILENCE_S - 1
            assert reader.of(ann, "stalled", "resumed", "error") == []

    async def test_who_mutes_in_the_page_is_silent_and_is_heard_again_afterwards(
        self, janus: JanusServer, server: Running, page: Page, send_bot: SendBot
    ) -> None:
        await enter(page, janus, WITH_DTX, dtx=True)
        async with reading(server, await send_bot(WITH_DTX)) as reader:
            ann = await reader.participant("Ann")
            muted_s = await speaks(reader, ann)
            await page.evaluate("mute(true)")
            await page.evaluate("sparse()")
            silent_s = time.monotonic()
            await asyncio.sleep(SILENCE_S)
            assert await page.evaluate("rate(2)") < 10
            assert reader.of(ann, "speech_ended", after_s=muted_s)[-1].event["reason"] == "silence"
            assert reader.of(ann, "speech_started", "emotion", after_s=silent_s) == []
            assert reader.of(ann, "stalled", "resumed", "error") == []
            await page.evaluate("mute(false)")
            await speaks(reader, ann)
