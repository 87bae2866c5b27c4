"""Rooms without a network: what the others learn of somebody who speaks, withdraws, or leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from ser_track.bot import Bot
from ser_track.chunk import Chunk
from ser_track.config.schema import Config
from ser_track.errors import BadRequestError, ForbiddenError, MeetingFullError
from ser_track.event_types import (
    Announcement,
    ConsentChanged,
    Emotion,
    EncodedEvent,
    Event,
    Joined,
    Left,
    MeetingChanged,
    Notice,
    SpeechEnded,
    SpeechStarted,
)
from ser_track.meetings.adapters.rooms.participant import Participant
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.meetings.roster import Roster
from ser_track.models import Models
from ser_track.recordings.recording import open_recording
from tests.helpers.fake_models import EnergyDetector, LevelClassifier

SPEECH = np.full(16_000, 0.5, np.float32)


class Onlooker(Participant):
    """A stand-in for somebody with a data channel, who notes what would be sent on it: no network is wanted here."""

    heard_of: list[Event]

    def put(self, event: EncodedEvent) -> None:
        told: Event | Announcement = event.event
        if not isinstance(told, Notice | MeetingChanged):
            self.heard_of.append(told)


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[Bot]:
    async with Bot(Config(), Models(EnergyDetector(), LevelClassifier())) as running:
        yield running


@pytest.fixture
def rooms(bot: Bot) -> Rooms:
    return Rooms(bot.meetings, bot.config)


def onlooker(rooms: Rooms) -> list[Event]:
    """Somebody joins room "r" and looks on; returns what they learn."""
    _, participant = rooms.join("r", "Onlooker", analysed=False)
    participant.__class__ = Onlooker
    assert isinstance(participant, Onlooker)
    participant.heard_of = []
    return participant.heard_of


def speaker(rooms: Rooms) -> Participant:
    """Somebody who agreed, and has just said a second of something."""
    _, participant = rooms.join("r", "Speaker", analysed=False)
    participant.answered(True)
    participant.attendee.begin_sending()
    participant.heard(Chunk(0, SPEECH))
    return participant


def kinds(events: list[Event], of: Participant) -> list[type]:
    return [
        type(event)
        for event in events
        if event.key.participant == of.id and not isinstance(event, ConsentChanged | Joined)
    ]


async def test_last_words_are_told_before_the_goodbye(rooms: Rooms) -> None:
    events = onlooker(rooms)
    participant = speaker(rooms)
    await rooms.room("r").leave(participant, "left")
    told = [kind for kind in kinds(events, participant) if kind is not Emotion]
    assert told == [SpeechStarted, SpeechEnded, Left]
    finals = [event for event in events if isinstance(event, Emotion) and event.final]
    assert [event.key.participant for event in finals] == [participant.id]


async def test_what_a_tick_found_while_somebody_leaves_is_theirs_too(rooms: Rooms) -> None:
    events = onlooker(rooms)
    participant = speaker(rooms)
    # The segment closes by itself at about the moment of leaving, in whichever tick.
    participant.heard(Chunk(16_000, np.zeros(16_000, np.float32)))
    await asyncio.gather(*(rooms.room("r").leave(participant, "left") for _ in range(3)))
    assert kinds(events, participant).count(Left) == 1
    assert kinds(events, participant)[-1] is Left
    assert kinds(events, participant).count(SpeechEnded) == 1
    assert sum(isinstance(event, Emotion) and event.final for event in events) == 1


async def test_withdrawal_while_a_stream_is_being_closed_keeps_its_result_from_everybody(rooms: Rooms) -> None:
    events = onlooker(rooms)
    participant = speaker(rooms)
    leaving = asyncio.create_task(participant.attendee.finish())
    await asyncio.sleep(0)
    participant.answered(False)
    withdrawn = len(events)
    await leaving
    assert not [event for event in events[withdrawn:] if isinstance(event, Emotion | SpeechEnded | SpeechStarted)]


async def test_nothing_of_somebody_who_withdrew_stays_in_the_engine(bot: Bot, rooms: Rooms) -> None:
    participant = speaker(rooms)
    key = participant.attendee.key
    await asyncio.sleep(0.1)
    assert key in bot.live.streams
    participant.answered(False)
    participant.heard(Chunk(16_000, SPEECH))
    await asyncio.sleep(0.1)
    assert bot.live.streams == set()


async def test_the_metrics_say_who_is_there_now(bot: Bot, rooms: Rooms) -> None:
    onlooker(rooms)
    participant = speaker(rooms)
    registry = bot.metrics.registry
    assert registry.get_sample_value("ser_track_participants") == 2
    assert registry.get_sample_value("ser_track_analysed") == 1
    participant.answered(False)
    assert registry.get_sample_value("ser_track_analysed") == 0
    await rooms.room("r").leave(participant, "left")
    assert registry.get_sample_value("ser_track_participants") == 1


@pytest.mark.parametrize("name", ["Zoë", "علی‌رضا", "👩‍🚀 Ada", "Mary Ann", "李"])
async def test_names_of_people_are_accepted(rooms: Rooms, name: str) -> None:
    assert rooms.join("r", name, analysed=False)[1].attendee.name == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb", "a\x00b", "\u202egnirts", "\ud800"])
async def test_names_that_are_none_are_refused_with_the_reason(rooms: Rooms, name: str) -> None:
    with pytest.raises(BadRequestError, match=r"the name (must have 1 to 40|contains the control character U\+)"):
        rooms.join("r", name, analysed=False)
    assert len(rooms) == 0


async def test_the_place_of_somebody_who_left_is_free(rooms: Rooms) -> None:
    people = [rooms.join("r", f"Person {number}", analysed=False)[1] for number in range(8)]
    with pytest.raises(MeetingFullError, match="8 of 8"):
        rooms.join("r", "Ninth", analysed=False)
    await rooms.room("r").leave(people[0], "left")
    assert rooms.join("r", "Ninth", analysed=False)[1].attendee.name == "Ninth"


async def test_a_voice_that_aiortc_decoded_is_recorded_as_it_was_heard(tmp_path: Path) -> None:
    config = replace(Config(), meetings=replace(Config().meetings, record_folder=str(tmp_path)))
    async with Bot(config, Models(EnergyDetector(), LevelClassifier())) as running:
        rooms = Rooms(running.meetings, config)
        participant = speaker(rooms)
        await rooms.room("r").leave(participant, "left")
    assert [chunk.at for chunk in recorded_in(tmp_path, "Speaker")] == [0]
    assert np.array_equal(np.concatenate([chunk.samples for chunk in recorded_in(tmp_path, "Speaker")]), SPEECH)


def recorded_in(folder: Path, name: str) -> list[Chunk]:
    (file,) = folder.iterdir()
    with open_recording(file) as recording:
        assert recording.participants == (name,)
        return [chunk for _, chunk in recording]


async def test_a_refusal_in_the_room_is_not_undone_by_the_link(bot: Bot, rooms: Rooms) -> None:
    _, participant = rooms.join("r", "Ann", analysed=False)
    (session,) = bot.meetings.present
    with pytest.raises(ForbiddenError, match="somebody else has answered"):
        session.roster.answered_by_link(participant.id, analysed=True, secret="")
    assert not participant.attendee.agreed


async def test_when_a_room_is_closed_everyone_gets_the_last_words_of_all(bot: Bot, rooms: Rooms) -> None:
    events = onlooker(rooms)
    participant = speaker(rooms)
    (session,) = bot.meetings.present
    await bot.meetings.call_back(session)
    finals = [event for event in events if isinstance(event, Emotion) and event.final]
    assert [event.key.participant for event in finals] == [participant.id]


async def test_the_end_of_an_earlier_room_does_not_close_a_later_one(bot: Bot, rooms: Rooms) -> None:
    _, participant = rooms.join("r", "Ann", analysed=False)
    (earlier,) = bot.meetings.present
    await rooms.room("r").leave(participant, "left")
    await earlier.ended()
    _, participant = rooms.join("r", "Ann", analysed=False)
    await bot.meetings.call_back(earlier)
    await rooms.room("r").leave(participant, "left")
    assert rooms.join("r", "Ann", analysed=False)[1].attendee.name == "Ann"


def own_key(roster: Roster, participant: Participant) -> str:
    """What the link holds that this participant alone gets."""
    notice = roster.present(participant.attendee)[0].event
    assert isinstance(notice, Notice)
    assert notice.own_url is not None
    assert notice.url is not None
    return notice.own_url.removeprefix(f"{notice.url}?me=")


async def test_only_who_has_the_link_of_a_participant_agrees_for_them(bot: Bot, rooms: Rooms) -> None:
    ann, bo = (rooms.join("r", name, analysed=True, base_url="http://localhost")[1] for name in ("Ann", "Bo"))
    roster = bot.meetings.present[0].roster
    secret = roster.answered_by_link(ann.id, analysed=False)
    for proof in ({"secret": secret}, {"key": own_key(roster, bo)}, {"key": ""}, {"code": "123456"}):
        with pytest.raises(ForbiddenError):
            roster.answered_by_link(ann.id, True, **{"secret": secret, **proof})
    assert not ann.attendee.agreed
    roster.answered_by_link(ann.id, analysed=True, key=own_key(roster, ann))
    assert rooms.room("r").people[ann.id].attendee.agreed
    assert roster.owner_of(own_key(roster, bo)) == bo.id
    with pytest.raises(ForbiddenError, match="somebody else"):
        roster.answered_by_link(ann.id, True, secret)


async def test_agreements_by_the_link_have_an_end(bot: Bot, rooms: Rooms) -> None:
    _, participant = rooms.join("r", "Ann", analysed=True, base_url="http://localhost")
    roster = bot.meetings.present[0].roster
    own = own_key(roster, participant)
    while participant.attendee.agreements < 50:
        roster.answered_by_link(participant.id, analysed=False, key=own)
        roster.answered_by_link(participant.id, analysed=True, key=own)
    roster.answered_by_link(participant.id, analysed=False, key=own)
    with pytest.raises(ForbiddenError, match="too often"):
        roster.answered_by_link(participant.id, analysed=True, key=own)
    assert not participant.attendee.agreed


async def test_a_room_is_bounded_by_its_own_limit_and_not_by_that_of_meetings_elsewhere() -> None:
    base = Config()
    config = replace(
        base, rooms=replace(base.rooms, max_participants=4), meetings=replace(base.meetings, max_participants=2)
    )
    async with Bot(config, Models(EnergyDetector(), LevelClassifier())) as bot:
        rooms = Rooms(bot.meetings, config)
        people = [rooms.join("r", f"Person {number}", analysed=False) for number in range(4)]
        assert len(people) == 4
        with pytest.raises(MeetingFullError, match="4 of 4"):
            rooms.join("r", "Fifth", analysed=False)
