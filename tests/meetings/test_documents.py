"""What the published documents say of rooms of a real Janus: the answer to a join, and what bridges never cause."""

import asyncio

import av
import pytest

from tests.helpers.api_documents import OPENAPI, validator
from tests.helpers.event_readers import reading
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import MakePerson, SendBot
from tests.paths import SPOKEN
from tests.web.conftest import Running
from tests.web.test_asyncapi import NOT_OF_BRIDGES, check_told

pytestmark = pytest.mark.meeting


class Freezing(RecordingTrack):
    """Says nothing, not even silence, while it is frozen."""

    def __init__(self) -> None:
        super().__init__(SPOKEN)
        self.thawed = asyncio.Event()
        self.thawed.set()

    async def recv(self) -> av.AudioFrame:
        await self.thawed.wait()
        return await super().recv()


async def test_a_room_is_described_and_told_of_as_documented(
    person: MakePerson, send_bot: SendBot, server: Running
) -> None:
    ann, track = person("Ann"), Freezing()
    await ann.join()
    await ann.publish(track)
    bot = await send_bot()
    validator(f"{OPENAPI}#/components/schemas/Meeting").validate(bot)
    async with reading(server.http, server.url + bot["events"], seen=0) as reader:
        told = await reader.until("emotion", final=True)
        track.thawed.clear()
        told += await reader.until("stalled")
        track.thawed.set()
        told += await reader.until("resumed")
    assert check_told("eventsOverSse", told) >= NOT_OF_BRIDGES
