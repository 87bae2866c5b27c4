"""People in a Janus room are told what the bot does, refuse on their data channel, and are not asked twice."""

import asyncio
import time

import pytest

from ser_track.event_types import Consent
from tests.meetings.adapters.janus.test_room import events_of, known_as, speaking, watching
from tests.meetings.conftest import MakePerson, SendBot

pytestmark = pytest.mark.meeting


async def test_everybody_gets_the_notice_also_who_comes_late(person: MakePerson, send_bot: SendBot) -> None:
    early = await watching(person("Early"))
    bot = await send_bot()
    there = (await early.request({"request": "listparticipants"}))["participants"]
    (display,) = (one["display"] for one in there if one["id"] != early.id)
    assert "emotion analysis" in display
    assert "bot" in display
    late = await watching(person("Late"))
    for one in (early, late):
        notice = await one.wait_for("notice")
        assert notice["url"] == bot["notice_url"]
        assert bot["notice_url"] in notice["text"]
        assert notice["consent"] == "notice"


async def test_a_refusal_holds_within_a_second_and_when_they_come_back(person: MakePerson, send_bot: SendBot) -> None:
    await send_bot()
    observer = await watching(person("Observer"))
    ann = await speaking(person("Ann"), data=True)
    participant = await known_as(observer, "Ann")
    await observer.wait_for("emotion", participant=participant)
    assert ann.channel is not None
    ann.channel.send('{"type": "opt_out"}')
    refused = time.monotonic()
    await observer.wait_for("consent", participant=participant, analysed=False)
    assert time.monotonic() - refused < 1
    before = len(observer.heard)
    await asyncio.sleep(3)
    voice = ("speech_started", "speech_ended", "emotion")
    assert [event for event in events_of(observer, participant, *voice) if event in observer.heard[before:]] == []
    await ann.close()
    left = observer.heard.index(await observer.wait_for("left", participant=participant))
    again = await speaking(person("Ann"), data=True)
    joined = await observer.wait_for("joined", after=left, name="Ann", analysed=False)
    await asyncio.sleep(3)
    assert events_of(observer, joined["participant"], *voice) == []
    assert again.channel is not None
    again.channel.send('{"type": "consent", "analysed": true}')
    await observer.wait_for("emotion", participant=joined["participant"])


async def test_a_refusal_that_comes_before_the_microphone_holds_and_so_it_does_under_another_name(
    person: MakePerson, send_bot: SendBot
) -> None:
    bot = await send_bot()
    assert bot["state"] == "joined"
    observer = await watching(person("Observer"))
    ann = person("Ann")
    await ann.join()
    await ann.publish(data=True)  # nothing but data
    participant = await known_as(observer, "Ann")
    await ann.send('{"type": "opt_out"}')
    await observer.wait_for("consent", participant=participant, analysed=False)
    await ann.request({"request": "configure", "display": "Annie"})
    await observer.wait_for("joined", participant=participant, name="Annie", analysed=False)
    await ann.close()
    left = observer.heard.index(await observer.wait_for("left", participant=participant))
    await speaking(person("Annie"))
    joined = await observer.wait_for("joined", after=left, name="Annie")
    assert joined["participant"] != participant
    assert not joined["analysed"]


class TestRequired:
    @pytest.fixture
    def consent(self) -> Consent:
        return "required"

    async def test_nobody_is_analysed_before_they_agree(self, person: MakePerson, send_bot: SendBot) -> None:
        await send_bot()
        observer = await watching(person("Observer"))
        ann = await speaking(person("Ann"), data=True)
        participant = (await observer.wait_for("joined", name="Ann", analysed=False))["participant"]
        assert (await observer.wait_for("notice"))["consent"] == "required"
        await asyncio.sleep(3)
        assert events_of(observer, participant, "speech_started", "speech_ended", "emotion", "stalled") == []
        assert ann.channel is not None
        ann.channel.send('{"type": "chat", "text": "what else is said on data channels"}')
        ann.channel.send('{"type": "consent", "analysed": true}')
        await observer.wait_for("consent", participant=participant, analysed=True)
        await observer.wait_for("emotion", participant=participant)
