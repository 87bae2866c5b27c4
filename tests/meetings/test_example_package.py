"""The example of docs/extending.md, as its users have it: an installed package, and nothing in ser_track names it."""

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from ser_track.chunk import FloatArray
from tests.helpers.event_readers import reading
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.example_packages import PACKAGES, install
from tests.helpers.hall_server import HALL, HallServer
from tests.helpers.janus_server import free_port
from tests.helpers.programs import Program, running
from tests.paths import ROOT

NAME = "ser-track-example-meeting"
SER_TRACK = (sys.executable, "-m", "ser_track")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return install(NAME, tmp_path_factory.mktemp("package"))


@pytest_asyncio.fixture
async def halls() -> AsyncIterator[HallServer]:
    async with HallServer(key="s3same") as server:
        yield server


async def speak_and_refuse(halls: HallServer, spoken: FloatArray) -> None:
    """Ann is heard; she refuses, which holds within a second; who comes late gets the notice."""
    halls.enter("7", "Ann")
    joined = await halls.wait_for("joined", name="Ann", analysed=True)
    halls.say("7", spoken[: 8 * 16_000])
    participant = joined["participant"]
    await halls.wait_for("emotion", final=True, participant=participant)
    halls.enter("8", "Late")
    assert "emotion" in (await halls.wait_for("notice", to="8"))["text"]
    assert (await halls.wait_for("joined", to="8", name="Ann"))["participant"] == participant
    halls.answer("7", analysed=False)
    refused = time.monotonic()
    await halls.wait_for("consent", participant=participant, analysed=False)
    assert time.monotonic() - refused < 1
    before = len(halls.events)
    halls.say("7", spoken[: 4 * 16_000])
    halls.leave("7")
    await halls.wait_for("left", participant=participant)
    kinds = {event["type"] for _, event in halls.events[before:] if event.get("participant") == participant}
    assert kinds == {"left"}


async def test_a_person_joins_with_the_command(
    halls: HallServer, environment: Mapping[str, str], spoken: FloatArray
) -> None:
    url = f"{halls.url.replace('tcp', 'example')}?hall={HALL}"
    secret = {"SER_TRACK_KEY": "s3same"}
    command = (*SER_TRACK, "join", url, "--json", "--consent", "notice", "--no-link")
    async with running(*command, env={**environment, **secret}) as program:
        await halls.wait_for("meeting", timeout_s=60, state="joined")
        await speak_and_refuse(halls, spoken)
        program.signal(signal.SIGINT)
        assert await program.ended() == 0
    assert halls.goodbyes == 1
    assert "s3same" not in program.output
    events = [json.loads(line) for line in program.output.splitlines() if line.startswith("{")]
    for event in events:
        VALIDATOR.validate(event)
    assert {"joined", "meeting", "speech_started", "speech_ended", "emotion", "consent", "left"} <= {
        event["type"] for event in events
    }


async def test_what_cannot_be_joined_is_said_in_one_line(halls: HallServer, environment: Mapping[str, str]) -> None:
    command = (*SER_TRACK, "join", "example", halls.url, "--hall", "attic", "--key", "s3same", "--no-link")
    async with running(*command, env=environment) as program:
        await program.wait_for("error:")
        assert await program.ended() == 1
    where = f"example {halls.url} hall attic"
    assert program.output == f"ser-track: error: {where}: cannot enter the hall: there is no hall attic\n"


@asynccontextmanager
async def serving(folder: Path, environment: Mapping[str, str], meetings: Any, **server: Any) -> AsyncIterator[str]:
    """`ser-track serve` with the package; gives its address."""
    port = free_port()
    config = folder / "config.json"
    config.write_text(json.dumps({"server": {"port": port, **server}, "meetings": meetings}))
    async with running(*SER_TRACK, "serve", "--config", str(config), env=environment) as program:
        await _ready(program)
        yield f"http://127.0.0.1:{port}"


async def _ready(program: Program) -> None:
    await program.wait_for(r"ser_track is ready: http://\S+")


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_program_sends_the_bot_and_reads_its_events(
    workers: int, halls: HallServer, environment: Mapping[str, str], spoken: FloatArray, tmp_path: Path
) -> None:
    meetings = {"allowed_targets": [halls.url], "consent": "notice"}
    async with serving(tmp_path, environment, meetings, workers=workers) as url, ClientSession() as http:
        async with http.get(f"{url}/openapi.json") as response:
            schemas = (await response.json())["components"]["schemas"]
        ours = ["janus", "mediajson", "rooms", "tracks", "whep", "whip"]
        assert schemas["Meeting"]["properties"]["server"]["enum"] == ["example", *ours]
        assert schemas["JoinExample"]["properties"]["hall"]["description"] == "The hall's name."
        asked = {"server": "example", "url": halls.url, "hall": HALL, "key": "s3same"}
        async with http.post(f"{url}/meetings", json=asked) as response:
            meeting = await response.json()
            assert response.status == 201, meeting
        assert "s3same" not in json.dumps(meeting)
        async with reading(http, url + meeting["events"]) as events:
            talking = asyncio.create_task(speak_and_refuse(halls, spoken))
            told = await events.until("emotion", final=True)
            assert {"speech_started", "speech_ended"} <= {each.type for each in told}
            await talking
            async with http.delete(f"{url}/meetings/{meeting['id']}") as response:
                assert response.status == 204
            assert (await events.rest())[-1].data["state"] == "left"
        await halls.left()
        assert halls.goodbyes == 1


def test_the_page_shows_the_package_as_it_is() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", page, re.DOTALL)
    for name in ("pyproject.toml", "ser_track_example_meeting.py"):
        assert (PACKAGES / NAME / name).read_text(encoding="utf-8") in blocks
