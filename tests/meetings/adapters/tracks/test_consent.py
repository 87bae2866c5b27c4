"""A sender says who is on a track, and cannot agree for them."""

from typing import Any

import pytest

from ser_track.event_types import Consent
from tests.helpers.peer import RecordingTrack
from tests.helpers.track_sender import TrackSender
from tests.meetings.adapters.tracks.conftest import MakeSender
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting


@pytest.fixture
def consent() -> Consent:
    return "required"


async def answer(server: Running, person: dict[str, Any], status: int, **given: Any) -> None:
    page, _, _ = person["own_url"].partition("?")
    body = {"participant": person["participant"], "analysed": True, **given}
    async with server.http.post(f"{page}/answer", json=body) as response:
        assert response.status == status, await response.text()


async def test_people_on_tracks_agree_with_their_own_link_alone(sender: MakeSender, server: Running) -> None:
    await (one := sender()).begin(RecordingTrack(SPOKEN), RecordingTrack(SPOKEN))
    for mid, name in (("0", "Ann"), ("1", "Bob")):
        one.say(mid=mid, id=name, name=name)
    ann, bob = [await one.person(id=name) for name in ("Ann", "Bob")]
    assert (ann["analysed"], ann["own_url"] == bob["own_url"]) == (False, False)
    one.say(type="consent", id="Ann", analysed=True)
    refusal = await one.message("error", code="forbidden", id="Ann")
    assert "own_url" in refusal["message"]
    one.say(mid="0", id="Ann", name="Ann", analysed=True)
    await answer(server, ann, 403)
    await answer(server, ann, 403, key=bob["own_url"].partition("?me=")[2])
    assert server.bot.live.streams == set()
    await answer(server, ann, 200, key=ann["own_url"].partition("?me=")[2])
    await one.event("consent", participant=ann["participant"], analysed=True)
    await one.event("emotion", participant=ann["participant"])
    assert [event["type"] for event in one.of(bob["participant"])] == ["joined"]


async def test_whoever_gets_the_track_of_somebody_who_agreed_has_not_agreed(
    sender: MakeSender, server: Running
) -> None:
    await (one := sender()).begin(RecordingTrack(SPOKEN))
    one.say(mid="0", id="a", name="Ann")
    ann = await one.person(id="a")
    await answer(server, ann, 200, key=ann["own_url"].partition("?me=")[2])
    await one.event("speech_started", participant=ann["participant"])
    for person, name in (("b", "Bob"), ("c", "Ann")):
        one.say(type="switched", mid="0", id=person, name=name)
        assert (await one.person(id=person))["analysed"] is False
    one.say(type="switched", mid="0", id="a", name="Ann")
    again = await second_person(one, "a")
    assert (again["analysed"], again["participant"] == ann["participant"]) == (True, False)


async def test_the_id_of_somebody_who_agreed_under_another_name_is_somebody_else(
    sender: MakeSender, server: Running
) -> None:
    await (one := sender()).begin(RecordingTrack(SPOKEN))
    one.say(mid="0", id="meeting-room-3", name="Ann")
    ann = await one.person(name="Ann")
    await answer(server, ann, 200, key=ann["own_url"].partition("?me=")[2])
    await one.event("speech_started", participant=ann["participant"])
    one.say(mid="0", id="meeting-room-3", name="Bob")
    bob = await one.person(name="Bob")
    assert (bob["analysed"], bob["participant"] == ann["participant"]) == (False, False)
    await one.event("left", participant=ann["participant"])
    one.say(type="renamed", id="meeting-room-3", name="Ann")
    assert (await one.person(participant=bob["participant"], name="Ann"))["analysed"] is False


async def test_a_refusal_that_a_sender_of_tracks_passes_on_counts(sender: MakeSender, server: Running) -> None:
    await (one := sender()).begin(RecordingTrack(SPOKEN))
    one.say(mid="0", id="a", name="Ann")
    ann = await one.person(id="a")
    await answer(server, ann, 200, key=ann["own_url"].partition("?me=")[2])
    await one.event("speech_started", participant=ann["participant"])
    one.say(type="consent", id="a", analysed=False)
    await one.event("consent", participant=ann["participant"], analysed=False)
    assert server.bot.live.streams == set()


async def second_person(sender: TrackSender, person: str) -> dict[str, Any]:
    """The second introduction of somebody."""
    first = await sender.person(id=person)
    sender.messages.remove(first)
    return await sender.person(id=person)
