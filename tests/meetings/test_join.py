"""`ser-track join` as a person and a program use it, in a room of a real Janus."""

import json
import signal
import sys

import pytest

from tests.helpers.event_schema import VALIDATOR
from tests.helpers.janus_server import PIN, ROOM, WITH_PIN, JanusServer, free_port
from tests.helpers.programs import START_S, running
from tests.meetings.adapters.janus.test_room import known_as, speaking, watching
from tests.meetings.conftest import MakePerson

pytestmark = pytest.mark.meeting
JOIN = (sys.executable, "-m", "ser_track.cli", "join")


async def test_json_lines_come_as_they_happen_and_ctrl_c_leaves_politely(
    person: MakePerson, janus: JanusServer
) -> None:
    observer = await watching(person("Observer"))
    command = (*JOIN, "--json", "--consent", "notice", "janus", janus.url, "--room", str(ROOM))
    async with running(*command) as program:
        await observer.wait_for("notice", timeout_s=START_S)
        await speaking(person("Ann"))
        await program.wait_for(r'"type":"emotion".*"final":true')
        participant = await known_as(observer, "Ann")
        await observer.wait_for("emotion", participant=participant)
        program.signal(signal.SIGINT)
        assert (await observer.wait_for("meeting", state="left"))["reason"]
        assert await program.ended() == 0
    events = [json.loads(line) for line in program.output.splitlines() if line.startswith("{")]
    for event in events:
        VALIDATOR.validate(event)
    kinds = [event["type"] for event in events]
    assert {"joined", "meeting", "speech_started", "speech_ended", "emotion", "left"} <= set(kinds)
    assert kinds[-1] == "meeting"
    assert events[-1]["state"] == "left"
    there = (await observer.request({"request": "listparticipants"}))["participants"]
    assert sorted(one["display"] for one in there) == ["Ann", "Observer"]


async def test_sigterm_says_goodbye_in_the_meeting_too_and_a_person_reads_names_and_results(
    person: MakePerson, janus: JanusServer
) -> None:
    observer = await watching(person("Observer", WITH_PIN), PIN)
    command = (*JOIN, "--consent", "notice", "janus", janus.url, "--room", str(WITH_PIN), "--pin", PIN)
    async with running(*command) as program:
        await observer.wait_for("notice", timeout_s=START_S)
        await speaking(person("Ann", WITH_PIN), pin=PIN)
        await program.wait_for(r"Ann  \d+\.\d to \d+\.\d s  \w+")
        program.signal(signal.SIGTERM)
        await observer.wait_for("meeting", state="left")
        assert await program.ended() == 0
    assert "Often wrong" in program.output
    assert "/notice" in program.output
    assert PIN not in program.output
    assert "\x1b" not in program.output


@pytest.mark.parametrize(
    ("room", "secret", "words"),
    [
        ("99", None, "cannot join the room: No such room"),
        (str(WITH_PIN), "wr0ng-s3cret", "give the room's PIN"),
    ],
)
async def test_what_cannot_be_joined_is_said_in_one_line(
    room: str, secret: str | None, words: str, janus: JanusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if secret is not None:
        monkeypatch.setenv("SER_TRACK_PIN", secret)
    async with running(*JOIN, "janus", janus.url, "--room", room) as program:
        await program.wait_for("error:")
        assert await program.ended() == 1
    (line,) = program.output.splitlines()
    assert words in line
    assert "wr0ng" not in line


async def test_a_janus_that_is_not_there() -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    async with running(*JOIN, "janus", url, "--room", "1") as program:
        await program.wait_for("error:")
        assert await program.ended() == 1
    assert program.output.splitlines()[-1] == (
        f"ser-track: error: janus {url} room 1: cannot connect to Janus: nobody answers (Connection refused)"
    )
