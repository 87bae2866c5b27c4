"""`ser-track join` as a person and a program use it, in a room of a real Janus."""

import json
import signal
import sys
from urllib.parse import urlsplit

import pytest

from ser_track.cli.main import main
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.janus_server import PIN, ROOM, WITH_PIN, JanusServer, free_port
from tests.helpers.listening_sockets import listening_ports
from tests.helpers.programs import START_S, running
from tests.meetings.adapters.janus.test_room import known_as, speaking, watching
from tests.meetings.conftest import MakePerson

NOBODY = "127.0.0.1:9"
JOIN = (sys.executable, "-m", "ser_track.cli", "join")


@pytest.mark.meeting
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


@pytest.mark.meeting
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


@pytest.mark.meeting
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


@pytest.mark.meeting
async def test_without_a_link_no_web_server_is_started_and_the_notice_says_how_to_answer(
    person: MakePerson, janus: JanusServer
) -> None:
    observer = await watching(person("Observer"))
    async with running(*JOIN, "--no-link", f"janus://127.0.0.1:{janus.port}?room={ROOM}", "--json") as program:
        notice = await observer.wait_for("notice")
        assert "url" not in notice
        assert 'To agree: send {"type": "consent", "analysed": true} on the data channel' in notice["text"]
        assert listening_ports(program.pid) == set()
        program.signal(signal.SIGINT)
        assert await program.ended() == 0
    assert "web server" not in program.output


@pytest.mark.meeting
async def test_with_a_link_it_says_that_a_web_server_runs_and_why(person: MakePerson, janus: JanusServer) -> None:
    observer = await watching(person("Observer"))
    async with running(*JOIN, "janus", "--room", str(ROOM), janus.url) as program:
        notice = await observer.wait_for("notice")
        told = await program.wait_for(
            r"a web server runs at (\S+) until the bot leaves: people in the meeting answer there, "
            r"by the notice's link. Only this machine can open it; .* \(--no-link starts no web server\)"
        )
        assert notice["url"].startswith(f"{told[1]}/meetings/")
        assert listening_ports(program.pid) == {urlsplit(told[1]).port}


@pytest.mark.meeting
async def test_a_secret_comes_from_the_environment_for_both_ways_to_name_a_meeting(
    person: MakePerson, janus: JanusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    observer = await watching(person("Observer", WITH_PIN), PIN)
    monkeypatch.setenv("SER_TRACK_PIN", PIN)
    for meeting in ((f"janus://127.0.0.1:{janus.port}",), ("janus", janus.url)):
        seen = len(observer.heard)
        async with running(*JOIN, "--no-link", *meeting, "--room", str(WITH_PIN)):
            await observer.wait_for("notice", after=seen)


@pytest.mark.parametrize(
    "arguments",
    [
        f"--json --room 1 --consent notice janus ws://{NOBODY}",
        f"janus --room 1 ws://{NOBODY} --json --consent notice",
        f"janus ws://{NOBODY} --consent notice --json --room 1",
        f"--room 1 janus://{NOBODY} --json --consent notice",
        f"janus://{NOBODY}?room=1 --json --consent notice",
        f"--no-link --json --consent notice janus://{NOBODY}?room=2 --room 1",
    ],
)
def test_options_may_come_before_or_after_the_meeting(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["join", *arguments.split()]) == 1
    output = capsys.readouterr()
    (line,) = output.out.splitlines()
    assert json.loads(line)["state"] == "left"
    assert f"janus ws://{NOBODY} room 1: cannot connect to Janus: nobody answers" in output.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("janus://host", "'room' is missing; `ser-track join --help` shows"),
        (
            "zoom ws://host --room 1",
            "the kind of meeting ('server') must be one of janus, whep, not 'zoom'; `ser-track join",
        ),
        ("zoom://host --room 1", "the URL must begin with one of janus://"),
        ("janus ws://host ws://other --room 1", "give one meeting: [KIND] URL, and not 'janus ws://host ws://other'"),
        ("janus http://host --room 1", "'url' must be ws://host[:port][/path]"),
    ],
)
def test_arguments_that_name_no_meeting_are_one_line_and_exit_with_2(
    arguments: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["join", *arguments.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ser-track: error: ")
    assert words in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("janus ws://host --rom 1", "unrecognized arguments: --rom 1"),
        ("janus ws://host --room 1 --consent silence", "argument --consent: invalid choice: 'silence'"),
        ("--room 1", "the following arguments are required: URL"),
    ],
)
def test_unknown_options_are_told_with_the_usage_of_the_command(
    arguments: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["join", *arguments.split()])
    assert stopped.value.code == 2
    usage, *_, line = capsys.readouterr().err.splitlines()
    assert usage == "usage: ser-track join [options] [KIND] URL [options]"
    assert line.startswith(f"ser-track join: error: {words}")
