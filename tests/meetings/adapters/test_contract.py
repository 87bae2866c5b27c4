"""What holds in every kind of meeting, in the same words: our rooms, other servers, and an installed package."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from ser_track.meetings.registry import adapters
from ser_track.recordings.recording import open_recording
from tests.helpers.event_readers import fold, read_socket, reading
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.example_packages import install
from tests.helpers.hall_server import HallServer
from tests.helpers.janus_server import JanusServer, janus
from tests.helpers.meeting_events import MeetingEvents
from tests.helpers.meeting_places import PLACES, Place
from tests.helpers.whep_server import WhepServer
from tests.web.conftest import Running

OtherServer = HallServer | JanusServer | WhepServer
VOICE = {"speech_started", "speech_ended", "emotion"}
OURS = ("/ser_track/", "/aiortc/", "/aioice/", "ser_track_example_meeting")
"""Whose tasks must end."""


KINDS = ("rooms", "mediajson", "whip", pytest.param("janus", marks=pytest.mark.meeting), "tracks", "example")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder that the example package is installed in."""
    environment = install("ser-track-example-meeting", tmp_path_factory.mktemp("meeting"))
    return environment["PYTHONPATH"].split(os.pathsep)[0]


@pytest.fixture
def installed(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if kind == "example":
        monkeypatch.syspath_prepend(request.getfixturevalue("package"))
    adapters.cache_clear()
    yield
    adapters.cache_clear()


@pytest_asyncio.fixture
async def other_server(kind: str, tmp_path: Path) -> AsyncIterator[OtherServer | None]:
    if kind == "example":
        async with HallServer() as halls:
            yield halls
    elif kind == "whep":
        async with WhepServer() as media:
            yield media
    elif kind == "janus":
        (folder := tmp_path / "janus").mkdir()
        async with janus(folder) as running:
            yield running
    else:
        yield None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is heard is recorded here."""
    (made := tmp_path / "recordings").mkdir()
    return made


@pytest.fixture
def config(installed: None, other_server: OtherServer | None, folder: Path) -> Config:
    base = Config()
    targets = () if other_server is None else (other_server.url,)
    meetings = replace(base.meetings, consent="notice", allowed_targets=targets, record_folder=str(folder))
    return replace(base, meetings=replace(meetings, step_timeout_s=5.0))


@pytest_asyncio.fixture
async def place(kind: str, server: Running, other_server: OtherServer | None) -> AsyncIterator[Place]:
    made: Place = PLACES[kind](server, other_server)
    await made.open()
    yield made
    await made.close()


class Watch(MeetingEvents):
    """What has been told in a meeting."""

    async def newcomer(self, known: set[str]) -> dict[str, Any]:
        """The first word of somebody who is not ``known``."""
        return await self.first(lambda event: event["type"] == "joined" and event["participant"] not in known)


@pytest.fixture
def watch(server: Running, place: Place) -> Watch:
    return Watch(server, place.where)


async def test_names_are_right_and_who_comes_back_is_somebody_new(place: Place, watch: Watch) -> None:
    for name in ("Ann", "Bob"):
        await place.enter(name, name)
    people = {name: (await watch.until("joined", name=name, analysed=True))["participant"] for name in ("Ann", "Bob")}
    for participant in people.values():
        await watch.until("emotion", participant=participant, final=True)
    await place.leave("Ann")
    left = await watch.until("left", participant=people["Ann"])
    await place.enter("Ann", "Ann")
    onlookers = {event["participant"] for event in watch.events if event.get("name") == "Onlooker"}
    again = await watch.newcomer(known={*people.values(), *onlookers})
    assert (again["name"], again["stream"] == left["stream"]) == ("Ann", False)
    await watch.until("emotion", participant=again["participant"])
    assert watch.of(people["Ann"])[-1] == left, "nothing comes of somebody who has left"
    for event in watch.events:
        VALIDATOR.validate(event)
        if "stream" in event:
            assert event["stream"].startswith(event["participant"])


async def test_whoever_takes_a_place_gets_nothing_of_the_one_before(place: Place, watch: Watch) -> None:
    await place.enter("7", "7" if place.names_are_seats else "Ann")
    ann = (await watch.until("speech_started"))["participant"]
    await place.leave("7")
    await place.enter("7", "7" if place.names_are_seats else "Bob", speaks=False)
    await watch.until("left", participant=ann)
    onlookers = {event["participant"] for event in watch.events if event.get("name") == "Onlooker"}
    bob = (await watch.newcomer(known={ann, *onlookers}))["participant"]
    await asyncio.sleep(1)
    assert {event["type"] for event in watch.of(bob)} <= {"joined"}
    told = [event["type"] for event in watch.of(ann)]
    assert told[-1] == "left"
    assert told.count("speech_started") == told.count("speech_ended"), "last words are told before the goodbye"


async def test_a_refusal_holds_within_a_second_and_latecomers_are_told(
    server: Running, place: Place, watch: Watch
) -> None:
    await place.enter("Ann", "Ann")
    ann = (await watch.until("emotion"))["participant"]
    await place.enter("Late", "Late", speaks=False)
    notice = await place.notice_at("Late")
    assert notice["text"] == watch.session.roster.notice.text
    assert "recorded" in notice["text"]
    begun = time.monotonic()
    await place.refuse("Ann")
    await watch.until("consent", participant=ann, analysed=False)
    assert time.monotonic() - begun < 1
    told = len(watch.of(ann))
    await place.go_on("Ann")
    await asyncio.sleep(1.5)
    assert watch.of(ann)[told:] == []
    assert ann not in {key.participant for key in server.bot.live.streams}
    async with server.http.get(f"{server.url}/meetings/{watch.session.id}/notice/participants") as response:
        page = await response.json()
    shown = {person["participant"]: person["analysed"] for person in page["participants"]}
    assert shown[ann] is False
    assert page["recorded"] is True


# A stream has one person, who cannot leave alone: for the rest see whep/test_stream.py.
@pytest.mark.parametrize("kind", [*KINDS, "whep"])
async def test_programs_read_all_of_it_and_nothing_is_left_after_it(
    server: Running, place: Place, watch: Watch, folder: Path, kind: str
) -> None:
    before = our_tasks()
    await place.enter("Ann", "Ann")
    ann = (await watch.until("emotion", final=True))["participant"]
    async with server.http.get(f"{server.url}/meetings") as response:
        (listed,) = (await response.json())["meetings"]
    assert (listed["server"], listed["where"], listed["state"]) == (kind, place.where, "joined")
    async with reading(server.http, server.url + listed["events"]) as reader:
        snapshot = await reader.one()
        assert snapshot.type == "snapshot"
        assert snapshot.data == fold(watch.events[: snapshot.number], watch.session.id)
        async with server.http.delete(f"{server.url}/meetings/{listed['id']}") as response:
            assert response.status == 204
        assert (await reader.rest())[-1].data["state"] == "left"
    assert watch.of(ann)[-1]["type"] == "left"
    async with reading(server.http, server.url + listed["events"], seen=0) as reader:
        over_sse = await reader.rest()
    over_socket = await read_socket(server.http, server.url + listed["events"], last_event_id="0")
    assert over_sse == over_socket
    assert [told.data for told in over_sse] == watch.events
    await place.close()
    async with asyncio.timeout(10):
        while our_tasks() > before or server.bot.live.streams:  # noqa: ASYNC110 - nobody tells of the end of a task
            await asyncio.sleep(0.05)
    assert await asyncio.to_thread(recorded_s, folder) > 1


def our_tasks() -> int:
    """Those that run our code, or that of a connection."""
    files = (getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks() if not task.done())
    return sum(any(name in code.co_filename for name in OURS) for code in files if code is not None)


def recorded_s(folder: Path) -> float:
    """How much of a voice is in the only recording there."""
    (file,) = folder.iterdir()
    with open_recording(file) as recording:
        return sum(len(heard.chunk.samples) for heard in recording) / 16_000
