"""The bot in rooms of a real Janus: whom it hears, under which name, and what reaches the room."""

import asyncio
import time
from typing import Any

import pytest
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import VideoStreamTrack

from ser_track.meetings.adapters.janus.feed import Feed
from ser_track.meetings.adapters.janus.room import JanusRoom
from tests.helpers.janus_person import JanusPerson
from tests.helpers.peer import RecordingTrack
from tests.meetings.conftest import MakePerson, SendBot
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting


async def speaking(
    person: JanusPerson, *more: MediaStreamTrack, data: bool = False, pin: str | None = None
) -> JanusPerson:
    """The person, in the room and talking."""
    await person.join(pin)
    await person.publish(RecordingTrack(SPOKEN), *more, data=data)
    return person


async def watching(person: JanusPerson, pin: str | None = None) -> JanusPerson:
    """The person, in the room, reading what the bot says."""
    await person.join(pin)
    await person.listen_to_bots()
    return person


async def known_as(observer: JanusPerson, name: str) -> str:
    """The participant id that the bot gave to who has this name."""
    participant: str = (await observer.wait_for("joined", name=name))["participant"]
    return participant


def events_of(observer: JanusPerson, participant: str, *kinds: str) -> list[dict[str, Any]]:
    return [event for event in observer.heard if event.get("participant") == participant and event["type"] in kinds]


async def test_two_who_speak_are_heard_under_their_own_names_also_who_comes_late(
    person: MakePerson, send_bot: SendBot
) -> None:
    await speaking(person("Ann"))
    assert (await send_bot())["state"] == "joined"
    observer = await watching(person("Observer"))
    await speaking(person("Bob"))
    for name in ("Ann", "Bob"):
        participant = await known_as(observer, name)
        final = await observer.wait_for("emotion", participant=participant, final=True)
        assert final["end_s"] > final["start_s"] + 0.5
        assert events_of(observer, participant, "error", "stalled") == []


async def test_who_leaves_and_comes_back_is_new_and_nobody_gets_anothers_results(
    person: MakePerson, send_bot: SendBot
) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"))
    first = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=first)
    await ann.close()
    left = observer.heard.index(await observer.wait_for("left", participant=first))
    ended = observer.heard.index(await observer.wait_for("speech_ended", participant=first))
    assert ended < left, "last words are told before the goodbye"
    # Another takes the place that Janus gave to the first, and then the first comes back.
    await speaking(person("Bob"))
    bob = await known_as(observer, "Bob")
    await observer.wait_for("emotion", participant=bob, final=True)
    await speaking(person("Ann"))
    again = await observer.wait_for("joined", after=left, name="Ann")
    await observer.wait_for("emotion", participant=again["participant"], final=True)
    assert len({first, bob, again["participant"]}) == 3
    assert events_of(observer, first, "emotion", "speech_started") == [
        event
        for event in observer.heard[:left]
        if event.get("participant") == first and "segment" in event and event["type"] in ("emotion", "speech_started")
    ], "nothing under the name of who has left"


async def test_who_stops_publishing_stays_and_is_heard_again_when_they_go_on(
    person: MakePerson, send_bot: SendBot
) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"))
    participant = await known_as(observer, "Ann")
    first = await observer.wait_for("emotion", participant=participant)
    await ann.unpublish()
    await observer.wait_for("speech_ended", participant=participant)
    await ann.publish(RecordingTrack(SPOKEN))
    async with asyncio.timeout(20):
        while all(event["stream"] == first["stream"] for event in events_of(observer, participant, "emotion")):
            await observer.wait_for("emotion", after=len(observer.heard), participant=participant)
    assert events_of(observer, participant, "left", "stalled") == []


async def test_who_is_killed_is_gone_at_once(person: MakePerson, send_bot: SendBot) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"))
    participant = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=participant)
    killed = time.monotonic()
    await ann.vanish()
    await observer.wait_for("left", participant=participant)
    assert time.monotonic() - killed < 2


async def test_who_freezes_is_told_of_within_five_seconds_and_when_they_are_back(
    person: MakePerson, send_bot: SendBot
) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"))
    participant = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=participant)
    ann.lose_packets()
    frozen = time.monotonic()
    await observer.wait_for("stalled", participant=participant)
    assert 3 < time.monotonic() - frozen < 5
    ann.lose_packets(lose=False)
    await observer.wait_for("resumed", participant=participant)


async def test_who_is_muted_by_the_server_is_not_stalled_and_is_heard_afterwards(
    person: MakePerson, send_bot: SendBot
) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"))
    participant = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=participant)
    await ann.moderate(ann.id, mute=True)
    await observer.wait_for("speech_ended", participant=participant)
    await asyncio.sleep(6)
    assert events_of(observer, participant, "stalled") == []
    await ann.moderate(ann.id, mute=False)
    before = len(observer.heard)
    # The recording is over by now: what comes is silence, and no news is to be had of it but packets.
    await asyncio.sleep(5)
    assert events_of(observer, participant, "stalled", "error") == []
    assert [event for event in observer.heard[before:] if event["type"] == "left"] == []


async def test_pictures_are_never_asked_for(person: MakePerson, send_bot: SendBot, server: Running) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    await speaking(person("Ann"), VideoStreamTrack())
    participant = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=participant, final=True)
    (feed,) = feeds(server)
    assert feed._peer is not None
    kinds = [transceiver.kind for transceiver in feed._peer._connection.getTransceivers()]
    assert kinds == ["audio"]


async def test_twelve_people_are_heard_each_under_their_name(person: MakePerson, send_bot: SendBot) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    names = [f"Person {number}" for number in range(12)]
    source = RecordingTrack(SPOKEN)
    relay = MediaRelay()
    for name in names:
        one = person(name)
        await one.join()
        await one.publish(relay.subscribe(source))
    for name in names:
        participant = await known_as(observer, name)
        await observer.wait_for("speech_started", participant=participant, timeout_s=40)


def feeds(server: Running) -> list[Feed]:
    rooms = [session.meeting for session in server.bot.meetings if isinstance(session.meeting, JanusRoom)]
    return [feed for room in rooms for feed in room._feeds.values()]
