"""A real browser sends no more than is heard, and says how loud each packet is."""

import asyncio
from collections.abc import Iterable

import pytest

from ser_track.chunk import Chunk
from ser_track.rtp.header import Arrival
from tests.helpers.browser import join, launched
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.browser

WIDEBAND = range(8, 12)
"""Configurations of SILK at 16 kHz (RFC 6716, table 2): anything above 8 kHz would take twice the time to decode."""


async def test_chromium_sends_speech_at_16_khz(server: Running) -> None:
    packets = list[Arrival]()

    def keep(items: Iterable[Arrival | Chunk]) -> None:
        packets.extend(item for item in items if isinstance(item, Arrival))

    async with launched(SPOKEN) as browser:
        page = await browser.new_page()
        await join(page, server.url, "talk", "Ada", consent=True)
        async with asyncio.timeout(30):
            while not (keys := server.bot.live.streams):  # noqa: ASYNC110  # it begins on the engine's thread
                await asyncio.sleep(0.05)
            server.bot.live.keep(next(iter(keys)), keep)
            while len(packets) < 150:  # noqa: ASYNC110  # they come on the engine's thread
                await asyncio.sleep(0.05)
    settled = packets[100:]
    assert {packet.payload[0] >> 3 for packet in settled} <= set(WIDEBAND)
    levels = {packet.level for packet in settled}
    assert None not in levels, "every packet says how loud it is"
    assert len(levels) > 5
