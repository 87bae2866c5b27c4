"""FFmpeg and PyAV's muxer publish by WHIP, as people run them. Neither sends candidates."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ser_track.config.schema import Config
from tests.helpers.meeting_events import MeetingEvents
from tests.helpers.programs import running
from tests.helpers.whip_programs import environment, ffmpeg, p256_files, pyav
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting
TOKEN = "sesame"
SECONDS = 8.0
START_S = 40.0


@pytest.fixture
def config() -> Config:
    base = Config()
    meetings, server = replace(base.meetings, consent="notice"), replace(base.server, token=TOKEN)
    return replace(base, meetings=meetings, server=server)


async def begun(server: Running) -> MeetingEvents:
    """The meeting, once it has begun."""
    async with asyncio.timeout(START_S):
        while not server.bot.meetings.present:  # noqa: ASYNC110 - nobody tells of a new meeting
            await asyncio.sleep(0.05)
    (session,) = server.bot.meetings.present
    return MeetingEvents(server, session.where)


async def heard_to_the_end(server: Running, name: str) -> MeetingEvents:
    """Everything, after the sender was heard and has left by itself."""
    events = await begun(server)
    person = (await events.until("joined", name=name))["participant"]
    await events.until("emotion", participant=person, final=True)
    assert (await events.until("left", participant=person))["reason"] == "left", "the sender says goodbye (DELETE)"
    return events


# Half of FFmpeg 8.0's certificates have a negative serial number. Outside the tests this is only a warning.
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
async def test_whip_of_ffmpeg_is_heard_and_leaves_with_a_goodbye(server: Running) -> None:
    command = ffmpeg(f"{server.url}/whip/talk?name=Ann", SECONDS, token=TOKEN)
    async with running(*command) as program:
        await heard_to_the_end(server, "Ann")
        assert await program.ended() == 0, program.output


async def test_whip_of_pyav_is_heard_with_a_key_on_p256(server: Running, tmp_path: Path) -> None:
    files = p256_files(tmp_path)
    command = pyav(f"{server.url}/whip/talk?name=Ann", SECONDS, f"authorization={TOKEN}", *files)
    async with running(*command, env=environment()) as program:
        await heard_to_the_end(server, "Ann")
        assert await program.ended() == 0, program.output


async def test_whip_of_pyav_with_its_own_key_fails_and_the_log_says_why(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    command = pyav(f"{server.url}/whip/talk?name=Ann", SECONDS, f"authorization={TOKEN}")
    async with running(*command, env=environment()) as program:
        events = await begun(server)
        await events.until("left")
        assert await program.ended(START_S) != 0
        assert "DTLS session failed" in program.output
    assert "the connection of 'Ann' was never established" in caplog.text
    assert "cert_file and key_file with a P-256 key" in caplog.text


async def test_whip_of_ffmpeg_without_the_token_is_refused_before_anything_begins(server: Running) -> None:
    async with running(*ffmpeg(f"{server.url}/whip/talk?name=Ann", SECONDS)) as program:
        assert await program.ended(START_S) != 0
        assert "401" in program.output
    assert not server.bot.meetings.present
