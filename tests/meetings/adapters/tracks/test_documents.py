"""What docs/meetings.md shows of tracks is understood, and the example sends."""

import asyncio
import json
import re
import sys

import pytest

from tests.meetings.adapters.tracks.conftest import MakeSender
from tests.paths import ROOT, SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting


async def test_the_messages_about_tracks_in_the_documents_are_understood(sender: MakeSender) -> None:
    page = (ROOT / "docs" / "meetings.md").read_text(encoding="utf-8").partition("## Tracks of a sender")[2]
    shown = re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)[0].splitlines()
    await (one := sender()).begin(None, None)
    for line in shown:
        one.channel.send(line)
    assert {json.loads(line).get("type") for line in shown} == {
        None,
        *("muted", "renamed", "switched", "consent", "gone"),
    }
    people = {(await one.person(id=each))["participant"]: each for each in ("u-17", "u-23", "u-42")}
    for participant, person in people.items():
        if person != "u-42":
            await one.event("left", participant=participant)
    assert (await one.event("consent", analysed=False))["participant"] in people
    assert (await one.person(name="Ann Lee"))["id"] == "u-17"
    assert [message for message in one.messages if message["type"] == "error"] == []


async def test_the_example_sends_tracks_and_prints_results(server: Running) -> None:
    command = [str(ROOT / "examples" / "send_tracks.py"), f"Ann={SPOKEN}", f"Bob={SPOKEN}", "--server", server.url]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    printed = list[str]()
    async with asyncio.timeout(60):
        while not all(any(line.startswith(f"{name}: ") for line in printed) for name in ("Ann", "Bob")):
            printed.append((await process.stdout.readline()).decode())
            assert printed[-1], printed
        (session,) = server.bot.meetings.present
        await server.bot.meetings.call_back(session)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert {"Ann is analysed\n", "Bob is analysed\n"} <= {*printed}
    assert [line for line in printed if line.startswith("error")] == []
