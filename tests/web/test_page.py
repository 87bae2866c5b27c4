"""The page in a real browser: people with a recorded voice meet, see results, refuse and withdraw."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from ser_track.config.schema import Config, IceServer, PipelineConfig
from ser_track.labels import EMOTIONS
from ser_track.web.outbox import close_sockets
from tests.helpers.browser import join, launched
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.browser

Enter = Callable[[str, bool], Awaitable[Page]]
RESULT_MS = 20_000
"""Long enough for the voice in the recording to begin, on a machine with other things to do."""

KNOWN_MS = 90_000
"""For some segments of speech: a voice is known after four, or a few more if these say little."""

WATCH_BOT = """
// Remembers the page's connection to the bot: the only one with a channel named "events".
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (label, ...rest) {
  if (label === "events") window.botConnection = this;
  return create.call(this, label, ...rest);
};
"""
BOT_AUDIO_BYTES = """async () => {
  const reports = [...(await window.botConnection.getStats()).values()];
  return reports.filter((each) => each.type === "outbound-rtp").reduce((sum, each) => sum + each.bytesSent, 0);
}"""
BOT_TRACKS = "() => window.botConnection.getSenders().filter((sender) => sender.track).length"


@pytest.fixture
def spoken_wav() -> Path:
    """About 15 s of speech, 16 kHz mono."""
    return SPOKEN


@pytest_asyncio.fixture
async def browser(spoken_wav: Path) -> AsyncIterator[Browser]:
    async with launched(spoken_wav) as running:
        yield running


@pytest_asyncio.fixture
async def enter(browser: Browser, server: Running) -> AsyncIterator[Enter]:
    """Brings people into one room; a script error or a refused resource on any of their pages fails the test."""
    wrong: list[str] = []

    async with AsyncExitStack() as pages:

        async def make(name: str, consent: bool) -> Page:
            page = await browser.new_page()
            pages.push_async_callback(page.close)
            page.on("pageerror", lambda error: wrong.append(f"{name}: {error}"))
            page.on("console", lambda said: wrong.append(f"{name}: {said.text}") if said.type == "error" else None)
            await page.add_init_script(WATCH_BOT)
            await join(page, server.url, "talk", name, consent=consent)
            return page

        yield make
    assert wrong == []


def tile(page: Page, name: str) -> Locator:
    """The tile of another person on ``page``."""
    return page.get_by_role("article", name=name, exact=True)


def own_tile(page: Page) -> Locator:
    return page.locator("[data-participant][data-peer=self]")


async def updates(where: Locator) -> int:
    return int(await where.get_attribute("data-update-count") or 0)


async def wait_until_played(page: Page, name: str) -> None:
    """The voice of ``name`` arrives on ``page`` from browser to browser, and is played."""
    audio = await tile(page, name).locator("audio").element_handle()
    await page.wait_for_function("(audio) => audio.currentTime > 0.2 && !audio.paused", arg=audio, timeout=RESULT_MS)


async def test_everyone_sees_what_a_voice_may_carry_until_its_owner_opts_out(enter: Enter) -> None:
    ada, bo = await enter("Ada", True), await enter("Bo", True)
    seen = tile(bo, "Ada")
    await expect(seen).not_to_have_attribute("data-final-count", "0", timeout=RESULT_MS)
    # Read in one go: the next result may come between two questions to the page.
    label, texts = await seen.evaluate(
        "tile => [tile.dataset.label, [...tile.querySelectorAll('.bars .value')].map(each => each.textContent)]"
    )
    shares = [int(text.removesuffix(" %")) for text in texts]
    assert sum(shares) == pytest.approx(100, abs=2)
    least_sure = 100 * PipelineConfig().min_confidence
    if max(shares) > least_sure:
        assert label == EMOTIONS[shares.index(max(shares))]
    elif max(shares) < least_sure:
        assert label == "unsure"
    await expect(seen.locator(".caption")).to_contain_text("often wrong")
    before = await updates(seen)
    await expect(seen).not_to_have_attribute("data-update-count", str(before), timeout=RESULT_MS)

    await ada.get_by_role("switch", name="Emotion analysis").click()
    await expect(seen).to_have_attribute("data-state", "not-analysed")
    await expect(own_tile(ada)).to_have_attribute("data-state", "not-analysed")
    assert await ada.evaluate(BOT_TRACKS) == 0
    stopped, sent = await updates(seen), await ada.evaluate(BOT_AUDIO_BYTES)
    other = await updates(tile(ada, "Bo"))
    await expect(tile(ada, "Bo")).not_to_have_attribute("data-update-count", str(other), timeout=RESULT_MS)
    await asyncio.sleep(3)
    assert await updates(seen) == stopped
    assert await ada.evaluate(BOT_AUDIO_BYTES) == sent

    await ada.get_by_role("switch", name="Emotion analysis").click()
    await expect(seen).not_to_have_attribute("data-update-count", str(stopped), timeout=RESULT_MS)


async def test_an_emotion_stands_out_only_once_the_voice_is_known(enter: Enter) -> None:
    """Not before, neither for people who see the page nor for those who have it read to them."""
    ada = await enter("Ada", True)
    seen = own_tile(ada)
    await expect(seen.locator(".head strong")).to_have_text("learning this voice", timeout=RESULT_MS)
    await expect(seen).to_have_attribute("data-learning", "true")
    # In one go: the next result may come between two questions to the page.
    head, best = await seen.evaluate(
        """tile => [
          [...tile.querySelectorAll(".head-symbol .symbol")].map((each) => each.dataset.symbol),
          [...tile.querySelectorAll("[data-top=true]")].length,
        ]"""
    )
    assert best == 0
    assert head in (["learning_voice"], ["no-speech"])
    await expect(ada.locator("#live")).to_have_text("The bot is still learning the voice of Ada.", timeout=RESULT_MS)
    timeline = seen.get_by_role("slider")
    told = set()
    for _ in range(20):
        await timeline.press("ArrowLeft")
        told.add(await timeline.get_attribute("aria-valuetext") or "")
    assert any("learning this voice, " in text and "%" in text for text in told), told

    known = ada.locator(".tile[data-learning=false][data-state=speaking]:not([data-label=unsure])")
    await expect(known).to_have_count(1, timeout=KNOWN_MS)
    await expect(known.locator("[data-top=true]")).to_have_count(1)
    await expect(known.locator(".head strong")).to_have_text(re.compile("|".join(EMOTIONS)))


async def test_who_refuses_meets_the_others_and_the_bot_gets_no_sound(enter: Enter) -> None:
    ada, cem = await enter("Ada", True), await enter("Cem", False)
    await expect(tile(ada, "Cem")).to_have_attribute("data-peer", "connected")
    await expect(tile(cem, "Ada")).to_have_attribute("data-peer", "connected")
    await wait_until_played(ada, "Cem")
    await wait_until_played(cem, "Ada")
    await expect(ada.locator("[data-bot]")).to_contain_text("listens to 1 of 2")
    # Results of those who agreed reach them all the same.
    await expect(tile(cem, "Ada")).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)
    for page in (ada, cem):
        cems = tile(page, "Cem") if page is ada else own_tile(page)
        await expect(cems).to_have_attribute("data-state", "not-analysed")
        assert await updates(cems) == 0
    assert await cem.evaluate(BOT_TRACKS) == 0
    assert await cem.evaluate(BOT_AUDIO_BYTES) == 0


async def test_muting_is_heard_by_nobody_and_the_bot_hears_silence(enter: Enter) -> None:
    ada = await enter("Ada", True)
    await expect(own_tile(ada)).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)
    await ada.get_by_role("button", name="Mute").click()
    await expect(own_tile(ada)).to_have_attribute("data-state", "no-speech")
    silent_since = await updates(own_tile(ada))
    await asyncio.sleep(3)
    assert await updates(own_tile(ada)) == silent_since
    await expect(own_tile(ada)).to_contain_text("last:")


async def test_the_last_minute_can_be_looked_back_on_by_keyboard(enter: Enter) -> None:
    ada = await enter("Ada", True)
    await expect(own_tile(ada)).not_to_have_attribute("data-final-count", "0", timeout=RESULT_MS)
    timeline = own_tile(ada).get_by_role("slider")
    await timeline.focus()
    told = set()
    for _ in range(20):
        await timeline.press("ArrowLeft")
        told.add(await timeline.get_attribute("aria-valuetext") or "")
    assert any("s ago" in text and "%" in text for text in told), told
    assert any("no speech" in text for text in told), told
    await timeline.press("End")
    await expect(timeline).to_have_attribute("aria-valuenow", "0")


async def test_the_ninth_is_refused_in_clear_words(enter: Enter, server: Running) -> None:
    async with AsyncExitStack() as seats:
        for number in range(8):
            socket = await seats.enter_async_context(server.http.ws_connect(f"{server.url}/ws"))
            await socket.send_json({"type": "join", "room": "talk", "name": f"Guest {number}", "consent": False})
            assert (await socket.receive_json())["type"] == "welcome"
        ninth = await enter("Ninth", True)
        await expect(ninth.get_by_role("status")).to_contain_text("full (8 of 8)")
        await expect(ninth.locator("#lobby")).to_be_visible()
        await expect(ninth.locator("#room")).to_be_hidden()


async def test_joining_by_keyboard_answers_the_question_only_when_asked(browser: Browser, server: Running) -> None:
    page = await browser.new_page()
    await page.goto(f"{server.url}/?room=keys&raw=1")
    await page.focus("#field-name")
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")  # goes on to the question, and decides nothing
    await expect(page.locator("#lobby")).to_be_visible()
    await expect(page.locator("#question")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Join with emotion analysis")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Join without analysis")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#room")).to_be_visible()
    await expect(page.get_by_role("switch", name="Emotion analysis")).not_to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_everything_without_scrolling_sideways(
    browser: Browser, server: Running, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    await join(page, server.url, "phone", "Anneliese Bartholomew-Featherstonehaugh", consent=True)
    await expect(page.locator("#room")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    for control in ("Mute", "Camera", "Leave"):
        await expect(page.get_by_role("button", name=control)).to_be_in_viewport()
    await expect(page.get_by_role("switch", name="Emotion analysis")).to_be_in_viewport()


async def test_a_program_without_a_page_is_heard_by_the_bot_and_called_by_nobody(enter: Enter, server: Running) -> None:
    program = Peer(server.http, server.url)
    await program.join("talk", "Program", RecordingTrack(SPOKEN))
    ada = await enter("Ada", False)
    await expect(tile(ada, "Program")).to_have_attribute("data-peer", "none")
    await expect(tile(ada, "Program")).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)
    await expect(ada.get_by_role("status")).to_be_hidden()
    await program.close()
    await expect(tile(ada, "Program")).to_have_count(0)


class TestToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, token="sesame"))

    async def test_a_wrong_token_and_a_missing_one_are_named(self, browser: Browser, server: Running) -> None:
        page = await browser.new_page()
        await join(page, server.url, "talk&token=wrong", "Ada", consent=True)
        await expect(page.get_by_role("status")).to_contain_text("the access token is wrong")
        await join(page, server.url, "talk", "Ada", consent=True)
        await expect(page.get_by_role("status")).to_contain_text("this server needs an access token")
        await join(page, server.url, "talk&token=sesame", "Ada", consent=True)
        await expect(page.locator("#room")).to_be_visible()


class TestUnusableRelay:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, runtime=replace(base.runtime, ice_servers=(IceServer("turn:relay.example"),)))

    async def test_a_relay_that_the_browser_does_not_accept_is_told(self, enter: Enter) -> None:
        ada = await enter("Ada", True)
        await expect(ada.get_by_role("status")).to_contain_text("does not accept the server's ICE servers")
        await expect(own_tile(ada)).to_have_attribute("data-state", "error")


async def test_losing_the_server_is_told_and_one_can_rejoin(enter: Enter, server: Running) -> None:
    ada = await enter("Ada", True)
    await close_sockets(server.app)
    await expect(ada.get_by_role("status")).to_contain_text("connection to the server was lost")
    await ada.get_by_role("button", name="Rejoin").click()
    await expect(ada.locator("#room")).to_be_visible()
    await expect(own_tile(ada)).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)


class TestStorage:
    """Before anybody agrees, the page says whether voices are recorded."""

    @pytest.fixture
    def record_folder(self) -> str | None:
        return None

    @pytest.fixture
    def config(self, record_folder: str | None) -> Config:
        base = Config()
        return replace(base, meetings=replace(base.meetings, record_folder=record_folder))

    async def test_where_nothing_is_stored_the_page_says_so(self, browser: Browser, server: Running) -> None:
        page = await browser.new_page()
        await page.goto(server.url)
        await expect(page.locator(".facts .storage")).to_have_text("The server does not store anything.")
        await expect(page.locator("#join-analysed")).to_be_enabled()
        await expect(page.locator("aside .storage")).to_have_text("The server does not store anything.")

    async def test_nobody_can_agree_before_the_server_has_said_it(self, browser: Browser, server: Running) -> None:
        page, asked = await browser.new_page(), asyncio.Event()

        async def refuse_once(route: Route) -> None:
            if asked.is_set():
                await route.continue_()
            else:
                asked.set()
                await route.abort()

        await page.route("**/notice", refuse_once)
        await page.goto(server.url)
        await asked.wait()
        await expect(page.locator(".facts .storage")).to_contain_text(
            "does not know yet whether the server records voices"
        )
        await expect(page.locator("#join-analysed")).to_be_disabled()
        await expect(page.locator("#join-unanalysed")).to_be_enabled()
        await expect(page.locator("#join-analysed")).to_be_enabled(timeout=RESULT_MS)
        await expect(page.locator(".facts .storage")).to_have_text("The server does not store anything.")

    class TestRecorded:
        @pytest.fixture
        def record_folder(self, tmp_path: Path) -> str | None:
            return str(tmp_path)

        async def test_where_voices_are_recorded_the_page_says_so(self, browser: Browser, server: Running) -> None:
            page = await browser.new_page()
            await page.goto(server.url)
            told = "The server records the voices of the people who are analysed. It does not store any results."
            await expect(page.locator(".facts .storage")).to_have_text(told)
            await expect(page.locator("#join-analysed")).to_be_enabled()
            await expect(page.locator("aside .storage")).to_have_text(told)
