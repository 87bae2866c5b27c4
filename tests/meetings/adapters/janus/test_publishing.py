"""Only people who publish audio are listed as analysed: other bots and listeners are not."""

import asyncio
import time
from typing import Any

import pytest

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.event_types import Joined
from ser_track.meetings.session import Session
from tests.helpers.janus_server import ROOM, JanusServer
from tests.helpers.meeting_reader import reading
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import MakePerson, SendBot
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting
PATIENCE_S = 30.0


async def counted(server: Running, meeting: dict[str, Any]) -> tuple[int, int]:
    """People in the meeting, and those of them who are analysed, as ``GET /meetings`` has them."""
    async with server.http.get(f"{server.url}/meetings") as response:
        (one,) = [each for each in (await response.json())["meetings"] if each["id"] == meeting["id"]]
    return one["participants"], one["analysed"]


async def first_joined(session: Session) -> Joined:
    async for event in session:
        if isinstance(event, Joined):
            return event
    raise AssertionError("nobody joined")


@pytest.fixture
def second_bot(config: Config) -> Bot:
    return Bot(config)


async def test_two_bots_in_a_room_do_not_list_each_other_as_analysed(
    server: Running, janus: JanusServer, send_bot: SendBot, second_bot: Bot
) -> None:
    first = await send_bot(consent="notice")
    async with asyncio.timeout(PATIENCE_S), second_bot, reading(server, first) as reader:
        second = await second_bot.join(f"janus://127.0.0.1:{janus.port}", room=str(ROOM), consent="notice")
        assert not (await first_joined(second)).analysed
        assert (await reader.wait_for("joined"))["analysed"] is False
        await asyncio.sleep(2)  # by then both feeds are published, and known to the other
        assert await counted(server, first) == (1, 0)
        assert [person.analysed for person in second.roster.people.values()] == [False]
        assert not any(read.event["analysed"] for read in reader.read if read.event["type"] == "joined")


async def test_a_person_is_analysed_while_they_publish_audio(
    server: Running, person: MakePerson, send_bot: SendBot
) -> None:
    meeting = await send_bot(consent="notice")
    ann = person("Ann")
    async with asyncio.timeout(PATIENCE_S), reading(server, meeting) as reader:
        await ann.join()
        listener = await reader.wait_for("joined", name="Ann")
        assert listener["analysed"] is False
        assert await counted(server, meeting) == (1, 0)
        await ann.publish(RecordingTrack(SPOKEN))
        speaker = await reader.wait_for("joined", name="Ann", analysed=True)
        assert speaker["participant"] == listener["participant"]
        assert await counted(server, meeting) == (1, 1)
        await reader.wait_for("speech_started", participant=speaker["participant"])
        stopped_s = time.monotonic()
        await ann.unpublish()
        await reader.wait_for("joined", name="Ann", analysed=False, after_s=stopped_s)
        assert await counted(server, meeting) == (1, 0)
