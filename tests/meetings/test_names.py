"""Names that nobody can see, that are somebody else's, or that look like it: one rule for all kinds of meetings."""
# ruff: noqa: RUF001  # letters that look alike are what these tests are about

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ser_track.bot import Bot
from ser_track.config.schema import Config, MeetingsConfig
from ser_track.errors import BadRequestError
from ser_track.meetings.adapters.mediajson import ADAPTER
from ser_track.meetings.adapters.mediajson.conference import ConferenceTarget
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.meetings.names import check_person, clean_name, distinct_name
from ser_track.models import Models
from tests.helpers.fake_models import EnergyDetector, LevelClassifier

BOT = MeetingsConfig().display_name
INVISIBLE = [
    "\u3164",
    "\u2800 \u2800",
    "\u200d",
    "\u115f\u1160",
    "\ufe0f",
    "\u0301",
    "\u034f",
    "\uffa0",
    "\u00a0\u3000\u2003",
]
OF_THE_BOT = [
    "ser_track emotion analysis",
    BOT,
    "SER_TRACK  Emotion-Analysis",
    "ѕеr_trаck emotion analysis",
    "ser\ufe0f_track emotion analysis",
    "ｓｅｒ_track emotion analysis 2",
    "bot",
    "Ser Track",
]
OF_PAGES = ["Ann (you)", "Ann（you）", "Ann (YOU)", "Ann [you]", "Ann ( me )", "(you) Ann"]
ORDINARY = [
    "Zoë",
    "علی‌رضا",
    "👩‍🚀 Ada",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "李",
    "Mary Ann",
    "Ω",
    "김",
    "Нина",
    "You",
    "Youssef",
    "Abbott",
    "Ann (she)",
    "Ann (2)",
    "R2-D2",
    "नमिता",
]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_name_that_cannot_be_seen_is_refused_or_replaced(name: str) -> None:
    with pytest.raises(BadRequestError, match=r"nothing that can be seen|1 to 40 characters"):
        check_person(name, 40, BOT)
    assert clean_name(name, 40, BOT) == "someone"


@pytest.mark.parametrize("name", OF_THE_BOT)
def test_the_name_of_the_bot_is_refused_or_marked(name: str) -> None:
    with pytest.raises(BadRequestError, match="analysis bot"):
        check_person(name, 40, BOT)
    assert clean_name(name, 40, BOT).endswith(" (not this bot)")
    assert len(clean_name(name, 40, BOT)) <= 40


def test_another_name_of_the_bot_is_taken_from_the_configuration() -> None:
    with pytest.raises(BadRequestError, match="analysis bot"):
        check_person("emotiоns ", 40, "Emotions")
    check_person("My emotions", 40, "Emotions")


@pytest.mark.parametrize("name", OF_PAGES)
def test_what_pages_add_to_a_name_cannot_be_part_of_it(name: str) -> None:
    with pytest.raises(BadRequestError, match="pages add"):
        check_person(name, 40, BOT)
    cleaned = clean_name(name, 40, BOT)
    check_person(cleaned, 40, BOT)
    assert "Ann" in cleaned


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    check_person(name, 40, BOT)
    assert clean_name(name, 40, BOT) == name
    assert distinct_name(name, [other for other in ORDINARY if other != name], 40) == name


@pytest.mark.parametrize("name", ["Аnn", "ann", "Ann\ufe0f", "Ann\u2800", "Aոn", "Ａnn", "A\u034fnn"])
def test_a_name_that_looks_like_that_of_somebody_else_gets_a_number(name: str) -> None:
    assert distinct_name(name, ["Ann", "Bo"], 40) == f"{name} (2)"
    assert distinct_name(name, ["Ann", "ANN (2)"], 40) == f"{name} (3)"
    assert distinct_name("Ann", ["Ann"], 40) == "Ann", "the same name is no disguise: pages count those who have it"


def test_a_number_fits_into_the_longest_name() -> None:
    assert distinct_name("x" * 10, ["X" * 10], 10) == "xxxxxx (2)"


@pytest_asyncio.fixture
async def bot() -> AsyncIterator[Bot]:
    async with Bot(Config(), Models(EnergyDetector(), LevelClassifier())) as running:
        yield running


async def test_in_a_room_look_alikes_are_told_apart(bot: Bot) -> None:
    rooms = Rooms(bot.meetings, bot.config)
    names = [rooms.join("r", name, analysed=False)[1].attendee.name for name in ("Ann", "Аnn", "Ann", "Bo")]
    assert names == ["Ann", "Аnn (2)", "Ann", "Bo"]
    for name in (*INVISIBLE, *OF_THE_BOT, *OF_PAGES):
        with pytest.raises(BadRequestError):
            rooms.join("r", name, analysed=False)
    for name in INVISIBLE:
        with pytest.raises(BadRequestError, match="room"):
            rooms.join(name, "Ann", analysed=False)


async def test_names_from_another_server_are_told_apart_too_also_after_a_change(bot: Bot) -> None:
    roster: Any = bot.meetings.host(*_conference()).roster
    given = {"1": "Ann", "2": "Аnn", "3": "ser_track emotion analysis (bot)", "4": "\u3164", "5": "Bo (you)"}
    people = {foreign: roster.joined(foreign, name) for foreign, name in given.items()}
    assert {foreign: person.name for foreign, person in people.items()} == {
        "1": "Ann",
        "2": "Аnn (2)",
        "3": "ser_track emotion analysi (not this bot)",
        "4": "someone",
        "5": "Bo you",
    }
    roster.renamed("5", "ann")
    assert people["5"].name == "ann (3)"


async def test_a_refusal_holds_for_a_name_that_looks_like_it_though_it_is_shown_with_a_number(bot: Bot) -> None:
    roster: Any = bot.meetings.host(*_conference()).roster
    roster.notice = type(roster.notice)(roster.notice.text, roster.notice.url, "notice")
    ann = roster.joined("1", "Ann")
    roster.joined("2", "ann")
    roster.answered(ann, False)
    assert roster.joined("3", "Аnn").agreed is False
    assert roster.joined("4", "Bo").agreed is True


def _conference() -> tuple[Any, Any, None]:
    return ADAPTER, ConferenceTarget("talk"), None
