"""A track that an SFU gives to another person never carries the first one's name, voice or results."""

import asyncio

import pytest

from ser_track.aiortc_internals import udp_batches
from tests.helpers.event_schema import VALIDATOR
from tests.helpers.peer import RecordingTrack
from tests.helpers.track_sender import TrackSender
from tests.meetings.adapters.tracks.conftest import MakeSender
from tests.paths import SPOKEN

pytestmark = pytest.mark.meeting


async def ann_speaks(sender: TrackSender) -> str:
    """Ann is on the only track, and in the middle of a sentence; returns her id at the bot."""
    await sender.begin(RecordingTrack(SPOKEN))
    sender.say(mid="0", id="a", name="Ann")
    ann: str = (await sender.person(id="a"))["participant"]
    await sender.event("emotion", participant=ann, final=True)
    await sender.event("speech_started", participant=ann, segment=1)
    return ann


async def check_that_only_bob_is_heard(sender: TrackSender, ann: str) -> None:
    left = await sender.event("left", participant=ann)
    bob = await sender.person(id="b")
    assert (bob["name"], bob["mid"], bob["participant"] == ann) == ("Bob", "0", False)
    first = await sender.event("emotion", participant=bob["participant"], final=True)
    assert (first["segment"], first["voice_known"]) == (0, 0.0), "a new voice, of which nothing is known"
    of_ann = sender.of(ann)
    assert of_ann[-1] == left
    told = [event["type"] for event in of_ann]
    assert told.count("speech_started") == told.count("speech_ended") == 2, "her open segment is cut"
    assert of_ann[-2]["type"] in ("emotion", "speech_ended")
    for event in sender.events:
        VALIDATOR.validate(event)
        if "stream" in event:
            assert event["stream"].startswith(event["participant"])


async def test_tracks_with_another_source_after_a_switch_are_the_next_persons(sender: MakeSender) -> None:
    ann = await ann_speaks(one := sender())
    one.say(type="switched", mid="0", id="b", name="Bob")
    one.sender("0").replaceTrack(RecordingTrack(SPOKEN))
    one.change_source("0")
    await check_that_only_bob_is_heard(one, ann)


async def test_tracks_that_go_on_with_the_same_source_after_a_switch_are_the_next_persons(sender: MakeSender) -> None:
    ann = await ann_speaks(one := sender())
    one.say(type="switched", mid="0", id="b", name="Bob")
    one.sender("0").replaceTrack(RecordingTrack(SPOKEN))
    await check_that_only_bob_is_heard(one, ann)


@pytest.mark.parametrize("another", [True, False])
async def test_tracks_are_cut_where_aiortc_reads_the_socket_too(
    sender: MakeSender, monkeypatch: pytest.MonkeyPatch, another: bool
) -> None:
    monkeypatch.setattr(udp_batches, "available", lambda: False)
    ann = await ann_speaks(one := sender())
    one.say(type="switched", mid="0", id="b", name="Bob")
    one.sender("0").replaceTrack(RecordingTrack(SPOKEN))
    if another:
        one.change_source("0")
    await check_that_only_bob_is_heard(one, ann)


async def test_tracks_with_another_source_are_nobodys_until_the_sender_says_whose(sender: MakeSender) -> None:
    ann = await ann_speaks(one := sender())
    ssrc = one.change_source("0")
    one.sender("0").replaceTrack(RecordingTrack(SPOKEN))
    error = await one.message("error", code="nobody", mid="0")
    assert error["ssrc"] == ssrc
    await one.event("speech_ended", participant=ann, segment=1)
    told = len(one.of(ann))
    await asyncio.sleep(2)
    later = [event["type"] for event in one.of(ann)[told:]]
    assert set(later) <= {"emotion"}, "at most the result of what she said before"
    one.say(type="switched", mid="0", id="b", name="Bob")
    await check_that_only_bob_is_heard(one, ann)


async def test_tracks_of_the_same_person_with_another_source_are_a_new_stream_of_theirs(sender: MakeSender) -> None:
    ann = await ann_speaks(one := sender())
    one.change_source("0")
    one.sender("0").replaceTrack(RecordingTrack(SPOKEN))
    await one.message("error", code="nobody", mid="0")
    one.say(mid="0", id="a", name="Ann")
    again = await one.event("emotion", participant=ann, stream=f"{ann}-s2", final=True)
    assert again["segment"] == 0
    assert one.of(ann)[-1]["type"] != "left"
