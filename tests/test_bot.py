"""`Bot` and `join` as a Python program uses them: meetings of a real Janus, and no web server."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

import ser_track
from ser_track import (
    BadRequestError,
    Bot,
    ClosedError,
    Config,
    Emotion,
    Joined,
    JoinError,
    Left,
    MeetingChanged,
    MeetingFullError,
    Notice,
    Session,
    SpeechStarted,
)
from ser_track.meetings.adapters.rooms import ADAPTER as ROOMS
from ser_track.meetings.adapters.rooms.room import RoomTarget
from ser_track.meetings.event_log import KEPT_EVENTS
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import PIN, ROOM, WITH_PIN, JanusServer
from tests.helpers.listening_sockets import listening_ports
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import janus as janus
from tests.meetings.conftest import janus_server as janus_server
from tests.paths import SPOKEN

PATIENCE_S = 40.0
Speak = Callable[..., Any]


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, step_timeout_s=5.0, max_meetings=2))


@pytest.fixture
def bot(config: Config) -> Bot:
    """Made outside the event loop, because it reads the model files; not started."""
    return Bot(config)


@pytest_asyncio.fixture
async def speak(janus: JanusServer) -> AsyncIterator[Speak]:
    """Brings people into a room who speak the recording; they leave at the end."""
    people: list[JanusPerson] = []

    async def come(name: str, room: int = ROOM, pin: str | None = None) -> JanusPerson:
        people.append(person := JanusPerson(http, janus.url, name, room))
        await person.join(pin)
        await person.publish(RecordingTrack(SPOKEN))
        return person

    async with ClientSession() as http:
        yield come
        for person in people:
            await person.close()


async def names_in_room(person: JanusPerson) -> list[str]:
    answer = await person.request({"request": "listparticipants"})
    return sorted(one["display"] for one in answer["participants"])


def url_of(janus: JanusServer, query: str = f"?room={ROOM}") -> str:
    return f"janus://127.0.0.1:{janus.port}{query}"


@pytest.mark.meeting
async def test_the_events_of_a_meeting_come_typed_until_the_bot_has_left_and_no_port_is_listened_on(
    bot: Bot, janus: JanusServer, speak: Speak
) -> None:
    ann, before, seen = await speak("Ann"), listening_ports(), []
    async with asyncio.timeout(PATIENCE_S), bot:
        meeting = await bot.join(url_of(janus), consent="notice")
        async for event in meeting:
            seen.append(event)
            assert listening_ports() <= before
            if isinstance(event, Emotion) and event.final and meeting.state == "joined":
                await meeting.leave("that is enough")
        assert (meeting.state, meeting.reason) == ("left", "that is enough")
        assert await names_in_room(ann) == ["Ann"]
    kinds = [type(event) for event in seen]
    assert {Notice, Joined, SpeechStarted, Emotion, Left} <= set(kinds)
    assert seen[-1] == MeetingChanged(meeting.id, "left", "that is enough")
    (notice,) = {event for event in seen if isinstance(event, Notice)}
    assert notice.url is None
    assert 'To refuse, at any time: send {"type": "opt_out"} on the data channel' in notice.text
    (joined,) = (event for event in seen if isinstance(event, Joined))
    assert (joined.name, joined.analysed) == ("Ann", True)


@pytest.mark.meeting
async def test_join_is_one_line_and_the_bot_has_left_when_the_loop_is_left(
    janus: JanusServer, speak: Speak, config: Config
) -> None:
    ann = await speak("Ann")
    async with asyncio.timeout(PATIENCE_S):
        url, options = url_of(janus, ""), {"room": str(ROOM)}
        async with aclosing(ser_track.join(url, config=config, consent="notice", **options)) as events:
            async for event in events:
                if isinstance(event, SpeechStarted):
                    break
        assert await names_in_room(ann) == ["Ann"]


@pytest.mark.meeting
async def test_a_bot_is_in_several_meetings_at_once_and_keeps_their_events_apart(
    bot: Bot, janus: JanusServer, speak: Speak
) -> None:
    await speak("Ann")
    await speak("Bob", WITH_PIN, PIN)

    async def first_result(meeting: Session) -> set[str]:
        names = {}
        async for event in meeting:
            if isinstance(event, Joined):
                names[event.key.participant] = event.name
            if isinstance(event, Emotion) and event.final:
                assert event.key.meeting == meeting.id
                return {names[event.key.participant]}
        return set()

    async with asyncio.timeout(PATIENCE_S), bot:
        one = await bot.join(url_of(janus, "?room=99"), room=str(ROOM), consent="notice")  # keywords override the URL
        two = await bot.join(url_of(janus, ""), room=str(WITH_PIN), pin=PIN, consent="notice")
        assert tuple(await asyncio.gather(first_result(one), first_result(two))) == ({"Ann"}, {"Bob"})
        with pytest.raises(MeetingFullError, match=r"the bot is in 2 meetings.*meetings\.max_meetings"):
            await bot.join(url_of(janus))
        await one.leave("one is enough")
        assert two.state == "joined"


@pytest.mark.meeting
async def test_nobody_is_analysed_by_default_and_the_notice_says_how_to_agree(
    bot: Bot, janus: JanusServer, speak: Speak
) -> None:
    await speak("Ann")
    async with asyncio.timeout(PATIENCE_S), bot:
        meeting = await bot.join(url_of(janus))
        async for event in meeting:
            if isinstance(event, Joined):
                assert not event.analysed
                break
        notice = meeting.roster.notice
        assert notice.consent == "required"
        assert 'To agree: send {"type": "consent", "analysed": true} on the data channel' in notice.text


@pytest.mark.meeting
async def test_a_program_that_is_cancelled_leaves_politely_and_nothing_of_it_runs_on(
    bot: Bot, janus: JanusServer, speak: Speak
) -> None:
    ann, reading = await speak("Ann"), asyncio.Event()
    await ann.listen_to_bots()

    async def program() -> None:
        async with bot:
            async for _ in await bot.join(url_of(janus)):
                reading.set()

    running = asyncio.create_task(program())
    async with asyncio.timeout(PATIENCE_S):
        await reading.wait()
        await ann.wait_for("notice")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not bot.live.alive
        assert (await ann.wait_for("meeting", state="left"))["reason"]
        assert await names_in_room(ann) == ["Ann"]


async def test_a_program_that_is_cancelled_while_it_joins_ends_at_once(bot: Bot) -> None:
    called, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await reader.read()
        writer.close()
        gone.set()

    async def program(port: int) -> None:
        async with bot:
            await bot.join(f"janus://127.0.0.1:{port}?room=1")

    listening = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(silent, sock=listening), asyncio.timeout(10):
        running = asyncio.create_task(program(listening.getsockname()[1]))
        await called.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await gone.wait()
    assert not bot.live.alive


async def test_a_bot_that_is_cancelled_again_while_it_leaves_still_stops_its_thread(bot: Bot) -> None:
    leaving = asyncio.Event()

    async def never() -> None:
        leaving.set()
        await asyncio.Event().wait()

    async def program() -> None:
        async with bot:
            session = bot.meetings.host(ROOMS, RoomTarget("talk"), None)
            session.roster.parted = never  # type: ignore[method-assign]  # last words that do not end

    running = asyncio.create_task(program())
    async with asyncio.timeout(10):
        await leaving.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not bot.live.alive


async def test_a_reader_that_falls_behind_is_told_what_it_missed(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(10), bot:
        meeting = bot.meetings.host(ROOMS, RoomTarget("talk"), None)
        told = aiter(meeting)
        assert await anext(told) == MeetingChanged(meeting.id, "joined", None)
        assert isinstance(await anext(told), Notice)
        for _ in range(KEPT_EVENTS + 100):
            meeting.roster.announce()
        with caplog.at_level(logging.WARNING):
            assert isinstance(await anext(told), Notice)
        assert meeting.missed_events == 100
        assert f"{meeting.id}: a slow reader missed 100 events" in caplog.text
        await meeting.leave("that is enough")
        rest = [event async for event in told]
    assert (meeting.missed_events, len(rest)) == (100, KEPT_EVENTS)  # all that is kept, and the last event
    assert rest[-1] == MeetingChanged(meeting.id, "left", "that is enough")


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("zoom://host?room=1", {}, r"the URL must begin with one of janus://.*not 'zoom:'"),
        ("janus://host", {}, "'room' is missing"),
        ("janus://host?rom=1", {}, r"'room' is missing; unknown field 'rom' \(known: api_secret, pin, room, "),
        ("janus://host?room=1", {"colour": "red"}, r"unknown field 'colour' \(known: "),
        ("janus://user@host?room=1", {}, "'url' must be ws://host.*without user"),
        ("janus://[::1?room=1", {}, r"the URL 'janus://\[::1\?room=1' cannot be read .*correct it"),
        ("janus://host?room=1#2", {}, "the URL ends in '#2'.*write # as %23"),
        ("janus://host?room=1", {"string_ids": "perhaps"}, "'string_ids' must be true or false"),
        ("janus://host?room=1", {"consent": "silence"}, "'consent' must be one of required, notice, not 'silence'"),
    ],
)
async def test_what_cannot_be_a_meeting_is_refused_in_words(
    bot: Bot, url: str, options: dict[str, Any], words: str
) -> None:
    async with bot:
        with pytest.raises(BadRequestError, match=words):
            await bot.join(url, **options)
        assert list(bot.meetings) == []


async def test_a_server_that_is_not_there_is_named(bot: Bot) -> None:
    async with bot:
        with pytest.raises(
            JoinError, match=r"janus ws://127\.0\.0\.1:9 room 1: cannot connect to Janus: nobody answers"
        ):
            await bot.join("janus://127.0.0.1:9?room=1")


async def test_a_bot_joins_only_while_it_runs_and_runs_once(bot: Bot) -> None:
    with pytest.raises(ClosedError, match="async with Bot"):
        await bot.join("janus://127.0.0.1:9?room=1")
    async with bot:
        with pytest.raises(ClosedError, match="started before"):
            await bot.__aenter__()
    with pytest.raises(ClosedError, match="async with Bot"):
        await bot.join("janus://127.0.0.1:9?room=1")
    with pytest.raises(ClosedError, match="make another Bot"):
        await bot.__aenter__()
