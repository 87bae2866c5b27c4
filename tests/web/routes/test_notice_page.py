"""The page behind the link of the notice in a real browser: people say who they are, refuse, agree and come back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from ser_track.config.schema import Config
from ser_track.event_types import Consent
from tests.helpers.browser import launched
from tests.helpers.mediajson_silent_bridge import Bridge
from tests.helpers.room_page import joined
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
HOSTILE = "<img src=x onerror=alert(1)>"
WORST_CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parse(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return (parse(colour)[3] ?? 1) === 1 ? colour : behind(node.parentElement);
  };
  const contrasts = [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility())
    .filter((node) => [...node.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim()))
    .map((node) => [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a))
    .map(([lighter, darker]) => (lighter + 0.05) / (darker + 0.05));
  return Math.min(...contrasts);
}"""


@pytest.fixture
def consent() -> Consent:
    return "notice"


@pytest.fixture
def config(consent: Consent) -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent=consent, linger_s=0.2))


@pytest_asyncio.fixture
async def bridge(server: Running) -> AsyncIterator[Bridge]:
    """With Ann and Bo in the meeting."""
    connected = await Bridge.connect(server.http, server.url)
    await connected.start("Ann")
    await connected.start("Bo")
    yield connected
    await connected.close()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched(SPOKEN) as running:
        yield running


@pytest_asyncio.fixture
async def visit(browser: Browser, bridge: Bridge) -> AsyncIterator[Visit]:
    """Opens the link, each time in a browser profile of its own; a script error or what the policy forbids fails."""
    wrong: list[str] = []

    async with AsyncExitStack() as pages:

        async def make(url: str | None = None, **how: Any) -> Page:
            context = await browser.new_context(**how)
            pages.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
            await page.goto(url or bridge.notice_url)
            return page

        yield make
    # That a request was refused, or reached nobody, is what some of the tests are about.
    assert [line for line in wrong if not line.startswith("Failed to load resource")] == []


def person(page: Page, name: str) -> Locator:
    return page.locator(".person").filter(has=page.get_by_text(name, exact=True))


def mine(page: Page) -> Locator:
    return page.locator("#mine")


async def refuse(page: Page) -> None:
    await page.get_by_role("button", name="Do not analyse me").click()


async def agree(page: Page) -> None:
    await page.get_by_role("button", name="Analyse me", exact=True).click()


async def confirm(page: Page, bridge: Bridge, name: str = "Ann") -> None:
    """Enter the code that the meeting shows."""
    code = await bridge.shown_code((await bridge.people())[name]["participant"])
    await expect(page.get_by_label("Code from the meeting")).to_be_focused()
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")


async def test_one_says_who_one_is_and_refuses_with_one_press_and_agrees_with_a_code(
    visit: Visit, bridge: Bridge
) -> None:
    page, onlooker = await visit(), await visit()
    await person(page, "Ann").click()
    await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
    await refuse(page)
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    await expect(page.get_by_role("button", name="Do not analyse me", pressed=True)).to_be_visible()
    assert (await bridge.people())["Ann"]["analysed"] is False
    await expect(person(onlooker, "Ann")).to_contain_text("not analysed")
    await expect(onlooker.locator("#meeting")).to_contain_text("1 of 2 people")
    await agree(page)
    await expect(page.locator("#said")).to_contain_text("the code that the bot has just shown in the meeting")
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    await confirm(page, bridge)
    await expect(page.get_by_label("Code from the meeting")).to_be_hidden()
    await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
    assert (await bridge.people())["Ann"]["analysed"] is True


async def test_with_the_keyboard_alone_and_the_focus_stays_while_people_come_and_go(
    visit: Visit, bridge: Bridge
) -> None:
    page = await visit()
    await expect(person(page, "Ann")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="Bo")).to_be_checked()
    await bridge.stop("Ann")
    await bridge.start("Cem")
    await expect(person(page, "Cem")).to_be_visible()
    await expect(person(page, "Ann")).to_have_count(0)
    await expect(page.get_by_role("radio", name="Bo")).to_be_focused()
    await expect(page.get_by_role("radio", name="Bo")).to_be_checked()
    for _ in range(2):  # over what else there is to read
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Do not analyse me")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(mine(page)).to_have_text("Bo, your voice is not analysed.")
    await expect(page.get_by_role("button", name="Do not analyse me")).to_be_focused()
    assert (await bridge.people())["Bo"]["analysed"] is False


async def test_nobody_answers_for_who_was_not_picked(visit: Visit, bridge: Bridge) -> None:
    page = await visit()
    await expect(person(page, "Ann")).to_be_visible()
    await agree(page)
    await expect(page.locator("#said")).to_have_text("First select your name.")
    await expect(page.get_by_role("radio", name="Ann")).to_be_focused()
    await expect(page.get_by_role("radio", checked=True)).to_have_count(0)


async def test_names_are_text_whatever_they_say(visit: Visit, bridge: Bridge) -> None:
    await bridge.start(HOSTILE)
    page = await visit()
    await person(page, HOSTILE).click()
    await refuse(page)
    await expect(mine(page)).to_have_text(f"{HOSTILE}, your voice is not analysed.")
    await expect(page.locator("#said")).to_contain_text(HOSTILE)
    await expect(page.locator("img, script:not([src])")).to_have_count(0)


async def test_the_browser_remembers_who_one_is_and_can_still_change_the_answer(visit: Visit, bridge: Bridge) -> None:
    page = await visit()
    await person(page, "Ann").click()
    await refuse(page)
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    await bridge.stop("Ann")
    await expect(mine(page)).to_have_text("The bot does not see Ann in the meeting at the moment.")
    await refuse(page)
    await expect(page.locator("#said")).to_have_text("The bot does not see you in the meeting at the moment.")
    await bridge.start("Ann")
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    await page.reload()
    await expect(page.get_by_role("radio", name="Ann")).to_be_checked()
    await agree(page)
    await confirm(page, bridge)
    await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
    assert (await bridge.people())["Ann"]["analysed"] is True


async def test_what_somebody_else_answered_is_shown_and_the_servers_no_is_told(visit: Visit, bridge: Bridge) -> None:
    page, other = await visit(), await visit()
    await person(page, "Ann").click()
    await agree(page)
    await confirm(page, bridge)
    await expect(page.locator("#said")).to_contain_text("Done")
    await person(other, "Ann").click()
    await refuse(other)
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    await agree(page)
    await expect(page.locator("#said")).to_contain_text("somebody else has answered for this participant")
    await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
    assert (await bridge.people())["Ann"]["analysed"] is False


async def test_that_the_server_is_out_of_reach_is_said_until_it_is_back(visit: Visit, bridge: Bridge) -> None:
    page = await visit()
    await person(page, "Ann").click()
    await page.context.set_offline(True)
    await expect(page.locator("#meeting")).to_contain_text("cannot reach the server")
    await refuse(page)
    await expect(page.locator("#said")).to_have_text("Nothing was changed for Ann: The server did not answer.")
    await page.context.set_offline(False)
    await expect(page.locator("#meeting")).to_contain_text("The bot is in the meeting")
    await expect(mine(page)).to_have_text("Ann, your voice is analysed.")


async def test_that_the_bot_has_left_is_said_and_nothing_is_remembered(visit: Visit, bridge: Bridge) -> None:
    page = await visit()
    await person(page, "Ann").click()
    await refuse(page)
    await expect(page.locator("#said")).to_contain_text("Done")
    await bridge.close()
    await expect(page.get_by_role("status").first).to_contain_text("The bot has left this meeting.")
    await expect(page.get_by_role("radio")).to_have_count(0)
    await expect(page.get_by_role("button")).to_have_count(0)
    assert await page.evaluate("localStorage.length") == 0


async def test_that_a_link_leads_to_no_meeting_is_said(visit: Visit, server: Running) -> None:
    page = await visit(f"{server.url}/meetings/m-none/notice")
    await expect(page.get_by_role("status").first).to_contain_text("This link does not belong to a meeting")
    await expect(page.get_by_role("button")).to_have_count(0)


async def test_nothing_on_the_page_moves_when_answers_and_people_come(visit: Visit, bridge: Bridge) -> None:
    page = await visit(viewport={"width": 360, "height": 740})
    await person(page, "Ann").click()
    places = [person(page, "Ann"), person(page, "Bo"), page.locator("#refuse"), page.locator("#agree")]
    before = [await place.bounding_box() for place in places]
    await refuse(page)
    await expect(page.locator("#said")).to_contain_text("Done")
    await bridge.start("Cem")
    await expect(person(page, "Cem")).to_be_visible()
    assert [await place.bounding_box() for place in places] == before
    await page.context.set_offline(True)
    await expect(page.locator("#meeting")).to_contain_text("cannot reach the server")
    assert [await place.bounding_box() for place in places] == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_everything_readably_without_scrolling_sideways(
    visit: Visit, bridge: Bridge, scheme: Literal["light", "dark"]
) -> None:
    await bridge.start("Anneliese-Bartholomew-Featherstonehaugh-")
    page = await visit(viewport={"width": 360, "height": 740}, color_scheme=scheme, reduced_motion="reduce")
    await agree(page)
    await expect(page.locator("#said")).to_have_attribute("data-kind", "error")
    assert await page.evaluate(WORST_CONTRAST) >= 4.5
    await person(page, "Ann").click()
    await refuse(page)
    await expect(page.locator("#said")).to_contain_text("Done")
    assert await page.evaluate(WORST_CONTRAST) >= 4.5
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    for name in ("Do not analyse me", "Analyse me"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("consent", "rule"),
    [
        ("required", "Nobody is analysed unless they agree. To stay out, you do not have to do anything."),
        ("notice", "Everyone is analysed until they refuse. You can refuse here at any time."),
    ],
)
async def test_what_holds_for_who_has_not_answered_is_said(visit: Visit, consent: Consent, rule: str) -> None:
    page = await visit()
    await expect(page.get_by_role("group", name="Which of these is you?")).to_have_accessible_description(rule)
    analysed = 2 if consent == "notice" else 0
    await expect(page.locator("#meeting")).to_contain_text(f"{analysed} of 2 people")


class TestRequired:
    @pytest.fixture
    def consent(self) -> Consent:
        return "required"

    async def agreed(self, visit: Visit, bridge: Bridge) -> Page:
        page = await visit()
        await person(page, "Ann").click()
        await agree(page)
        await confirm(page, bridge)
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
        return page

    async def test_who_comes_back_with_another_id_is_asked_again_because_it_may_be_another(
        self, visit: Visit, bridge: Bridge
    ) -> None:
        page = await self.agreed(visit, bridge)
        await bridge.stop("Ann")
        await expect(mine(page)).to_have_text("The bot does not see Ann in the meeting at the moment.")
        await bridge.start("again", endpoint="Ann ")
        await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
        await expect(page.locator("#said")).to_contain_text("agree again")
        assert (await bridge.people())["Ann"]["analysed"] is False
        await agree(page)
        await confirm(page, bridge)
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")

    async def test_who_comes_back_with_the_same_id_need_not_agree_again(self, visit: Visit, bridge: Bridge) -> None:
        page = await self.agreed(visit, bridge)
        await bridge.stop("Ann")
        await expect(mine(page)).to_have_text("The bot does not see Ann in the meeting at the moment.")
        await bridge.start("Ann")
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
        await refuse(page)
        await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
        await agree(page)  # this browser has confirmed who it belongs to
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")

    async def test_nobody_is_made_to_agree_where_two_have_the_name(self, visit: Visit, bridge: Bridge) -> None:
        page = await self.agreed(visit, bridge)
        await bridge.start("one", endpoint="Ann ")
        await bridge.start("other", endpoint=" Ann")
        await bridge.stop("Ann")
        await expect(person(page, "Ann")).to_have_count(2, timeout=30_000)
        await expect(person(page, "Ann").first).to_contain_text("not analysed · one of 2 with this name")
        await bridge.start("Cem")
        await expect(person(page, "Cem")).to_be_visible()
        await expect(page.get_by_role("radio", checked=True)).to_have_count(0)
        assert {one["analysed"] for one in (await bridge.people()).values()} == {False}


async def test_the_link_of_one_person_knows_who_they_are_and_agrees_with_one_press(
    visit: Visit, server: Running
) -> None:
    async with joined(server.http, server.url, "r") as room:
        await room.speak(None)
        notice = await room.peer.wait_for("notice")
        page = await visit(notice["own_url"])
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
        await refuse(page)
        await expect(mine(page)).to_have_text("Ann, your voice is not analysed.")
        await agree(page)
        await expect(mine(page)).to_have_text("Ann, your voice is analysed.")
        other = await visit(notice["url"])
        await person(other, "Ann").click()
        await refuse(other)
        await expect(mine(other)).to_have_text("Ann, your voice is not analysed.")
        await agree(other)
        await expect(other.locator("#said")).to_contain_text("Nothing was changed for Ann")
        await expect(mine(other)).to_have_text("Ann, your voice is not analysed.")
