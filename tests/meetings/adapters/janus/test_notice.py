"""People of a real Janus room answer over the link of the notice, in a real browser."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from ser_track.event_types import Consent
from tests.helpers.browser import launched
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import JanusServer
from tests.helpers.meeting_reader import ABOUT_A_VOICE, reading
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import MakePerson, SendBot
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = [pytest.mark.meeting, pytest.mark.browser]
PATIENCE_MS = 15_000


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with launched(SPOKEN) as browser:
        yield await browser.new_page()


async def say_who(page: Page, url: str, name: str) -> None:
    await page.goto(url)
    await page.get_by_role("radio", name=name).check()


async def expect_told(page: Page, words: str) -> None:
    await expect(page.locator("#mine")).to_have_text(words, timeout=PATIENCE_MS)


async def come(person: JanusPerson) -> None:
    await person.join()
    await person.publish(RecordingTrack(SPOKEN))


async def test_who_refuses_is_not_analysed_a_second_later_nor_when_they_come_back(
    server: Running, person: MakePerson, send_bot: SendBot, page: Page
) -> None:
    ann, bob = person("Ann"), person("Bob")
    await ann.join()
    await bob.join()
    bot = await send_bot()
    async with reading(server, bot) as reader:
        anns, bobs = await reader.participant("Ann"), await reader.participant("Bob")
        await say_who(page, bot["notice_url"], "Ann")
        await ann.publish(RecordingTrack(SPOKEN))
        await bob.publish(RecordingTrack(SPOKEN))  # the same words at the same time, to tell silence from refusal
        await reader.wait_for("emotion", participant=anns)
        await page.get_by_role("button", name="Do not analyse me").click()
        refused_s = time.monotonic()
        await reader.wait_for("consent", participant=anns, analysed=False)
        await reader.wait_for("emotion", participant=bobs, after_s=refused_s + 2)
        await reader.wait_for("emotion", participant=bobs, final=True, after_s=refused_s + 2)
        assert reader.of(anns, *ABOUT_A_VOICE, after_s=refused_s + 1) == []
        await expect_told(page, "Ann, your voice is not analysed.")

        await ann.close()
        await reader.wait_for("left", participant=anns)
        back_s = time.monotonic()
        await come(person("Ann"))
        await come(person("Cem"))
        again, cems = await reader.participant("Ann", back_s), await reader.participant("Cem")
        assert again != anns
        await reader.wait_for("emotion", participant=cems, final=True)
        assert reader.of(again, *ABOUT_A_VOICE) == []
        assert (await reader.wait_for("joined", participant=again))["analysed"] is False
        await expect_told(page, "Ann, your voice is not analysed.")


async def test_that_the_meeting_was_lost_is_said_and_a_refusal_outlives_it(
    server: Running, janus: JanusServer, person: MakePerson, send_bot: SendBot, page: Page
) -> None:
    ann = person("Ann")
    await ann.join()
    bot = await send_bot()
    await say_who(page, bot["notice_url"], "Ann")
    await page.get_by_role("button", name="Do not analyse me").click()
    await expect_told(page, "Ann, your voice is not analysed.")
    await janus.kill()
    await expect(page.locator("#meeting")).to_contain_text(
        "The bot lost the connection to the meeting", timeout=PATIENCE_MS
    )
    await expect_told(page, "The bot does not see Ann in the meeting at the moment.")
    await expect(page.locator("#nobody")).to_be_hidden()
    await janus.start()
    await expect(page.locator("#meeting")).to_contain_text("The bot is in the meeting", timeout=4 * PATIENCE_MS)
    await come(person("Ann"))
    await expect_told(page, "Ann, your voice is not analysed.")


class TestRequired:
    @pytest.fixture
    def consent(self) -> Consent:
        return "required"

    async def test_nobody_is_analysed_before_they_agree_with_the_code_and_who_comes_back_is_asked_again(
        self, server: Running, person: MakePerson, send_bot: SendBot, page: Page
    ) -> None:
        ann = person("Ann")
        await ann.join()
        bot = await send_bot()
        async with reading(server, bot) as reader:
            anns = await reader.participant("Ann")
            await say_who(page, bot["notice_url"], "Ann")
            await expect_told(page, "Ann, your voice is not analysed.")
            await ann.publish(RecordingTrack(SPOKEN))
            await asyncio.sleep(3)  # of speech
            agreed_s = time.monotonic()
            await page.get_by_role("button", name="Analyse me", exact=True).click()
            notice = await reader.wait_for("notice", participant=anns)
            assert notice["code"] in notice["text"]
            await page.get_by_label("Code from the meeting").fill(notice["code"])
            await page.keyboard.press("Enter")
            await reader.wait_for("emotion", participant=anns, final=True)
            assert reader.of(anns, *ABOUT_A_VOICE, until_s=agreed_s) == []

            await ann.close()
            await expect_told(page, "The bot does not see Ann in the meeting at the moment.")
            back_s = time.monotonic()
            await come(person("Ann"))
            again = await reader.participant("Ann", back_s)
            assert (await reader.wait_for("joined", participant=again))["analysed"] is False
            await expect(page.locator("#said")).to_contain_text("agree again", timeout=PATIENCE_MS)
            await expect_told(page, "Ann, your voice is not analysed.")
            assert reader.of(again, *ABOUT_A_VOICE) == []
