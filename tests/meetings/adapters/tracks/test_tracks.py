"""Many people over one connection: each under their own name, with sections added later, until the sender hangs up."""

import asyncio
from typing import Any

import pytest
from aiortc import RTCSessionDescription

from tests.helpers.api_documents import OPENAPI, validator
from tests.helpers.peer import RecordingTrack
from tests.helpers.track_sender import TrackSender
from tests.meetings.adapters.tracks.conftest import MakeSender
from tests.paths import SPOKEN
from tests.web.conftest import Running

pytestmark = pytest.mark.meeting


def voice() -> RecordingTrack:
    return RecordingTrack(SPOKEN)


async def state_of(server: Running, sender: TrackSender) -> dict[str, Any]:
    async with server.http.get(f"{server.url}/meetings/{sender.meeting['id']}") as response:
        state: dict[str, Any] = await response.json()
        return state


async def named(sender: TrackSender, mid: str, person: str, name: str) -> str:
    """Name somebody; returns their id at the bot."""
    sender.say(mid=mid, id=person, name=name)
    participant: str = (await sender.person(id=person))["participant"]
    return participant


async def test_tracks_of_two_people_are_heard_apart(sender: MakeSender, server: Running) -> None:
    one = sender("stand-up")
    answer = await one.begin(voice(), voice())
    validator(f"{OPENAPI}#/components/schemas/Meeting").validate(answer)
    assert (answer["server"], answer["where"]) == ("tracks", "tracks stand-up")
    assert answer["notice_url"].startswith(f"{server.url}/meetings/{answer['id']}/notice")
    assert (await one.event("notice"))["url"] == answer["notice_url"]
    people = [await named(one, mid, f"id-{mid}", name) for mid, name in (("0", "Ann"), ("1", "Bob"))]
    both = [await one.event("emotion", participant=each, final=True, segment=0) for each in people]
    assert both[0]["label"] == both[1]["label"]
    assert all(each["end_s"] - each["start_s"] > 3 for each in both)
    assert len(server.bot.live.streams) == 2
    async with server.http.get(f"{server.url}/metrics") as response:
        metrics = await response.text()
    assert 'ser_track_tracks_total{received_by="socket"} 1.0' in metrics, "one connection, read by the tick"


async def test_tracks_are_reported_to_their_sender_as_received(sender: MakeSender) -> None:
    await (one := sender()).begin(voice(), voice())
    for mid, name in (("0", "Ann"), ("1", "Bob")):
        await one.event("emotion", participant=await named(one, mid, name, name))
    await asyncio.sleep(2)
    for mid in ("0", "1"):
        told = {each.type: each for each in (await one.sender(mid).getStats()).values()}
        assert told["remote-inbound-rtp"].packetsLost == 0
        assert told["remote-inbound-rtp"].packetsReceived > 0 or told["outbound-rtp"].packetsSent > 50


async def test_tracks_are_added_with_a_later_offer(sender: MakeSender) -> None:
    await (one := sender()).begin(voice())
    ann = await named(one, "0", "a", "Ann")
    await one.event("speech_started", participant=ann)
    one.say(mid="2", id="b", name="Bob")
    assert "'2'" in (await one.message("error", code="bad_request", mid="2"))["message"]
    one.say(type="offer", sdp=await one.offer([voice()]))
    answer = await one.message("answer")
    await one.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    bob = await named(one, "2", "b", "Bob")
    await one.event("emotion", participant=bob, final=True)
    assert {event["stream"] for event in one.of(ann)} == {f"{ann}-s1"}, "her stream was not disturbed"


async def test_tracks_that_a_later_offer_ends_are_nobodys(sender: MakeSender) -> None:
    await (one := sender()).begin(voice(), voice())
    ann, bob = [await named(one, mid, mid, name) for mid, name in (("0", "Ann"), ("1", "Bob"))]
    await one.event("speech_started", participant=bob)
    transceiver = next(each for each in one.connection.getTransceivers() if each.mid == "1")
    transceiver.direction = "inactive"
    one.say(type="offer", sdp=await one.offer([]))
    await one.message("answer")
    assert (await one.event("left", participant=bob))["reason"] == "their track ended"
    await one.event("emotion", participant=ann, final=True)


async def test_people_on_tracks_are_renamed_muted_and_gone(sender: MakeSender, server: Running) -> None:
    await (one := sender()).begin(None, None)
    ann = await named(one, "0", "a", "Ann")
    bob = await named(one, "1", "b", "Bob")
    one.say(type="renamed", id="a", name="Anna")
    assert (await one.event("joined", name="Anna"))["participant"] == ann
    assert (await one.person(name="Anna"))["id"] == "a"
    one.say(type="muted", id="a", muted=True)
    assert (await one.event("stalled"))["participant"] == bob, "somebody who is muted need not send anything"
    await asyncio.sleep(1)
    assert [event["participant"] for event in one.events if event["type"] == "stalled"] == [bob]
    one.say(type="gone", id="b")
    assert (await one.event("left", participant=bob))["reason"] == "left"
    assert (await state_of(server, one))["participants"] == 1


async def test_somebody_moves_to_another_of_the_tracks(sender: MakeSender) -> None:
    await (one := sender()).begin(voice(), voice())
    ann = await named(one, "0", "a", "Ann")
    await one.event("emotion", participant=ann)
    one.say(mid="1", id="a", name="Ann")
    await one.person(id="a", mid="1")
    await one.event("emotion", participant=ann, stream=f"{ann}-s2")
    assert [event["type"] for event in one.of(ann)].count("left") == 0
    assert (await one.message("error", code="nobody", mid="0"))["ssrc"] == one.sender("0")._ssrc


async def test_tracks_end_with_their_connection_and_a_sender_that_returns_finds_the_answers(
    sender: MakeSender, server: Running
) -> None:
    await (one := sender("stand-up")).begin(voice())
    ann = await named(one, "0", "a", "Ann")
    await one.event("speech_started", participant=ann)
    one.say(type="opt_out", id="a")
    await one.event("consent", participant=ann, analysed=False)
    await one.close()
    async with asyncio.timeout(10):
        while (state := await state_of(server, one))["state"] != "left":  # noqa: ASYNC110 - asked as a program does
            await asyncio.sleep(0.05)
    assert "connection" in state["reason"]
    assert (state["participants"], server.bot.live.streams) == (0, set())
    await (again := sender("stand-up")).begin(voice())
    again.say(mid="0", id="a", name="Ann")
    assert (await again.person(id="a"))["analysed"] is False


async def test_when_the_bot_leaves_the_sender_of_the_tracks_gets_the_last_results(
    sender: MakeSender, server: Running
) -> None:
    await (one := sender()).begin(voice())
    ann = await named(one, "0", "a", "Ann")
    await one.event("speech_started", participant=ann)
    async with server.http.delete(f"{server.url}/meetings/{one.meeting['id']}") as response:
        assert response.status == 204
    await one.event("meeting", state="left")
    assert [event["type"] for event in one.of(ann)][-1] == "left"
    assert "speech_ended" in [event["type"] for event in one.of(ann)]
