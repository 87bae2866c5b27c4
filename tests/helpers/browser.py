"""A real Chromium for tests, with a recording as its microphone."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Several pages in one window: only one is in front, and the others must go on working.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--allow-loopback-in-peer-connection",
)


def require_browser() -> str:
    """The path of an installed Chromium.

    Without one the test is skipped, or fails where ``SER_TRACK_REQUIRE_BROWSER=1`` says that there must be one.
    """
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    reason = f"no browser: none of {', '.join(_NAMES)} is on the PATH"
    if os.environ.get("SER_TRACK_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and SER_TRACK_REQUIRE_BROWSER=1 asks for one")
    pytest.skip(reason)


@asynccontextmanager
async def launched(microphone: Path, starter: str | None = None) -> AsyncIterator[Browser]:
    """A running browser in which every page's microphone plays ``microphone``, over and over.

    ``starter`` is an executable that starts it with the arguments given, if it is not to be started just so.
    """
    executable = starter or require_browser()
    flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


async def join(page: Page, url: str, room: str, name: str, *, consent: bool) -> None:
    """Open the page, enter ``name`` and answer the question; returns inside the room, or once the page said why not."""
    await page.goto(f"{url}/?room={room}&raw=1")
    await page.fill("#field-name", name)
    await page.click("#join-analysed" if consent else "#join-unanalysed")
    await page.wait_for_selector("#room:not([hidden]), #status[data-kind=error]:not([hidden])")
