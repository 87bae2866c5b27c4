"""All meetings of a bot: what one of them does must not disturb the others."""

import asyncio
from dataclasses import replace

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.models import Models
from tests.helpers.fake_models import EnergyDetector, LevelClassifier


async def test_the_watch_goes_on_where_nothing_is_remembered() -> None:
    base = Config()
    config = replace(base, meetings=replace(base.meetings, linger_s=0.0))
    async with Bot(config, Models(EnergyDetector(), LevelClassifier())) as bot:
        rooms = Rooms(bot.meetings, config)
        rooms.join("one", "Ann", analysed=False)
        await asyncio.sleep(0.01)
        rooms.join("two", "Ben", analysed=False)
        watch = asyncio.create_task(bot.meetings.watch())
        await asyncio.sleep(0.6)
        assert not watch.done()
        watch.cancel()
        for session in bot.meetings.present:
            await bot.meetings.call_back(session)
        assert bot.meetings.present == []
