"""The page in a real browser when the worker with its meeting is killed: it comes back by itself, as it was left."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from ser_track.config.schema import Config
from tests.helpers.browser import join, launched
from tests.paths import SPOKEN
from tests.workers.conftest import Front, OpenFront

pytestmark = pytest.mark.browser

RESULT_MS = 20_000
BACK_MS = 5_000
NOTE_WHAT_IS_SAID = """() => {
  // The return may be too quick for who looks now and then.
  const words = document.querySelector("#status p");
  window.said = [];
  const note = () => window.said.push(words.textContent);
  new MutationObserver(note).observe(words, { childList: true, characterData: true });
}"""


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched(SPOKEN) as running:
        yield running


def kill(front: Front, room: str) -> None:
    pid = front.worker_of(room).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def entered(browser: Browser, front: Front, name: str) -> Page:
    page = await browser.new_page()
    await join(page, front.url, "talk", name, consent=True)
    await expect(page.locator("#room")).to_be_visible()
    return page


async def test_pages_come_back_by_themselves_with_the_consent_that_was_given_last(
    browser: Browser, front: Front
) -> None:
    ada, bo = await entered(browser, front, "Ada"), await entered(browser, front, "Bo")
    own, others = ada.locator("[data-peer=self]"), ada.get_by_role("article", name="Bo", exact=True)
    await expect(others).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)
    await bo.get_by_role("switch", name="Emotion analysis").click()
    await expect(others).to_have_attribute("data-state", "not-analysed")

    await ada.evaluate(NOTE_WHAT_IS_SAID)
    before = await own.get_attribute("data-participant") or ""
    kill(front, "talk")
    await expect(own).not_to_have_attribute("data-participant", before, timeout=BACK_MS)
    await expect(ada.get_by_role("status")).to_be_hidden()
    assert "You will be reconnected" in "".join(await ada.evaluate("() => window.said"))
    await expect(own).not_to_have_attribute("data-update-count", "0", timeout=RESULT_MS)
    await expect(others).to_have_attribute("data-state", "not-analysed", timeout=RESULT_MS)
    await expect(ada.locator("#room")).to_be_visible()
    await expect(ada.get_by_role("switch", name="Emotion analysis")).to_have_attribute("aria-checked", "true")
    await expect(bo.get_by_role("switch", name="Emotion analysis")).to_have_attribute("aria-checked", "false")


async def test_who_leaves_or_withdraws_meanwhile_is_taken_at_their_word(browser: Browser, front: Front) -> None:
    ada, bo = await entered(browser, front, "Ada"), await entered(browser, front, "Bo")
    for worker in tuple(front.workers.placement.workers):
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
    await expect(ada.get_by_role("status")).to_contain_text("You will be reconnected", timeout=BACK_MS)
    await ada.get_by_role("switch", name="Emotion analysis").click()
    await bo.get_by_role("button", name="Leave").click()
    await front.until(lambda: len(front.workers.placement.workers) == 2)
    await expect(ada.get_by_role("status")).to_be_hidden(timeout=RESULT_MS)
    await expect(ada.get_by_role("switch", name="Emotion analysis")).to_have_attribute("aria-checked", "false")
    await expect(ada.locator(".tile")).to_have_count(1)
    await expect(ada.locator(".tile")).to_have_attribute("data-state", "not-analysed")
    await expect(bo.locator("#lobby")).to_be_visible()
    assert front.workers.placement.rooms.people <= 1


async def test_the_front_says_too_that_voices_are_recorded(
    open_front: OpenFront, config: Config, browser: Browser, tmp_path: Path
) -> None:
    front = await open_front(replace(config, meetings=replace(config.meetings, record_folder=str(tmp_path))))
    page = await browser.new_page()
    await page.goto(front.url)
    await expect(page.locator(".facts .storage")).to_contain_text("The server records the voices")
    await expect(page.locator("#join-analysed")).to_be_enabled()
