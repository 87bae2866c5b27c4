"""The page in a real browser, opened as a file and without a network."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from pypdf import PdfReader

from ser_track.chunk import FloatArray
from ser_track.cli.main import main
from tests.helpers.browser import launched
from tests.helpers.recordings import Sound, record
from tests.paths import DATA

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror=window.hacked=1>"
UTTERANCES = 5


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, spoken: FloatArray) -> Path:
    """Of two people who speak by turns, with their sound; one has a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    half = len(spoken) // 2
    voices = (spoken[:half], np.concatenate([np.zeros(half, np.float32), spoken[half:]]))
    names = (HOSTILE, "Bob")
    tracks = [Sound(voice[:, None], metadata={"title": name}) for name, voice in zip(names, voices, strict=True)]
    recording = record(folder / "talk & more.mka", "flac", tracks)
    page = folder / "page.html"
    events = ("--out", str(folder / "events.jsonl"))
    assert main(["analyze", *events, "--report", str(page), "--report-audio", "embed", str(recording)]) == 0
    return page


@dataclass
class Opened:
    """A page, and all that it asked for or complained about."""

    page: Page
    wrong: list[str]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched(DATA / "spoken.wav") as running:
        yield running


async def opened(browser: Browser, file: Path, **how: Any) -> Opened:
    context = await browser.new_context(offline=True, **how)
    page, wrong = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text))
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.is_navigation_request() else None)
    await page.goto(file.as_uri())
    return Opened(page, wrong)


async def moment(page: Page) -> float:
    return float(await page.get_attribute("#cursor", "aria-valuenow") or "nan")


async def test_the_keyboard_moves_by_utterance_and_plays_the_sound(browser: Browser, report: Path) -> None:
    there = await opened(browser, report)
    page, cursor = there.page, there.page.get_by_role("slider", name="Cursor on the timeline")
    await cursor.focus()
    visited = []
    for _ in range(UTTERANCES):
        await cursor.press("ArrowRight")
        visited.append(await moment(page))
    starts = await page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).lines.flatMap(l => l.utterances.map(u => u[0]))"
    )
    assert visited == pytest.approx(sorted(starts), abs=0.06)
    await cursor.press("ArrowLeft")
    assert await moment(page) == visited[-2]
    assert "Bob" in (await cursor.get_attribute("aria-valuetext") or "")
    await expect(page.locator("tr[aria-current]")).to_contain_text("Bob")
    await cursor.press("Home")
    await cursor.press("ArrowUp")
    assert await moment(page) == pytest.approx(1, abs=0.06)
    await cursor.press("+")
    assert await page.evaluate("score.clientWidth") >= 1.9 * await page.evaluate("view.clientWidth")

    await cursor.press(" ")
    await page.evaluate(
        "new Promise(done => sound.addEventListener('timeupdate', () => sound.currentTime > 1.6 && done()))"
    )
    heard, shown = await page.evaluate("[sound.currentTime, Number(cursor.getAttribute('aria-valuenow'))]")
    assert shown == pytest.approx(heard, abs=0.3)
    await cursor.press(" ")
    assert await page.evaluate("sound.paused")
    assert await page.evaluate("sound.duration") == pytest.approx(14.4, abs=0.2)
    assert there.wrong == []


async def test_a_click_moves_the_cursor_and_the_sound(browser: Browser, report: Path) -> None:
    there = await opened(browser, report)
    strip = there.page.locator(".score svg.plot").first
    await strip.scroll_into_view_if_needed()
    box = await strip.bounding_box()
    assert box is not None
    await there.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    assert await moment(there.page) == pytest.approx(14.4 / 2, abs=0.2)
    assert await there.page.evaluate("sound.currentTime") == pytest.approx(14.4 / 2, abs=0.2)
    assert there.wrong == []


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_runs_that_a_name_brings_and_nothing_scrolls_sideways(
    browser: Browser, report: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    there = await opened(browser, report, color_scheme=scheme, viewport={"width": width, "height": 800})
    await expect(there.page.get_by_role("heading", level=3, name=HOSTILE)).to_be_visible()
    assert await there.page.evaluate("[window.hacked ?? null, document.images.length]") == [None, 0]
    assert await there.page.evaluate("document.documentElement.scrollWidth") <= width
    assert there.wrong == []


async def test_what_the_policy_forbids_does_not_happen(browser: Browser, report: Path) -> None:
    """Were a name ever to become markup, it could still neither run nor call anybody."""
    there = await opened(browser, report)
    markup = '<img src="http://127.0.0.1:9/" onerror="window.hacked=1">'
    async with there.page.expect_event("requestfailed") as failing:
        await there.page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", markup)
    assert (await failing.value).failure == "csp"
    assert await there.page.evaluate("window.hacked ?? null") is None
    assert sum("Content Security Policy" in each for each in there.wrong) == 2  # the picture and its handler


def unspaced(text: str) -> str:
    """Lines break anywhere in the text of a PDF."""
    return "".join(text.split())


async def test_on_paper_everything_can_be_read(browser: Browser, report: Path) -> None:
    there = await opened(browser, report, color_scheme="dark")
    pages = PdfReader(io.BytesIO(await there.page.pdf(format="A4"))).pages
    text = unspaced("".join(page.extract_text() for page in pages))
    for words in (
        "All together",
        "What these results are not",
        "Speaks for",
        "Transitions",
        "0:00 to 0:15",
        "onerror",
        "Bob",
    ):
        assert unspaced(words) in text, words
    rows = await there.page.locator(".all tbody tr").count()
    assert text.count(unspaced("open at the end of the recording")) == 1  # the last row of the table
    assert rows == UTTERANCES
    assert unspaced("Zoom in") not in text


async def test_without_scripts_all_but_the_cursor_is_there(browser: Browser, report: Path) -> None:
    there = await opened(browser, report, java_script_enabled=False)
    await expect(there.page.locator("#sound")).to_be_visible()
    await expect(there.page.locator(".all tbody tr")).to_have_count(UTTERANCES)
    await expect(there.page.locator("#toolbar")).to_be_hidden()
    await expect(there.page.get_by_text("Without scripts")).to_be_visible()
