"""Make docs/room.png: two people who agreed and one who refused, in a room of the real server, in Chromium.

uv run python -m scripts.make_room_picture
"""

import asyncio
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser

from ser_track.bot import Bot
from ser_track.web.app import make_app
from tests.helpers.browser import join, launched
from tests.paths import ROOT, SPOKEN

PICTURE = ROOT / "docs" / "room.png"
PEOPLE = (("Ann", True), ("Ben", True), ("Cleo", False))
APART_S = 5.0
"""Between two people who join, so that they are at different positions in the recording that is their microphone."""
UNTIL_S = 30.0
SURE = "() => [...document.querySelectorAll('.tile:not([data-state=not-analysed])')]" + (
    ".every(({ dataset }) => dataset.label && dataset.label !== 'unsure' && dataset.learning === 'false')"
)


async def show(browser: Browser, url: str, picture: Path) -> None:
    """Let everybody join the room, and take the picture when the timelines are half full."""
    context = await browser.new_context(viewport={"width": 1280, "height": 620})
    pages = []
    for name, consent in PEOPLE:
        pages.append(page := await context.new_page())
        await join(page, url, "daily", name, consent=consent)
        await asyncio.sleep(APART_S)
    await asyncio.sleep(UNTIL_S)
    await pages[0].wait_for_function(SURE)
    await pages[0].screenshot(path=picture)


async def make(bot: Bot) -> None:
    """Run the server, and take the picture."""
    runner = web.AppRunner(make_app(bot))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with launched(SPOKEN) as browser:
            await show(browser, f"http://127.0.0.1:{runner.addresses[0][1]}", PICTURE)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(make(Bot()))
