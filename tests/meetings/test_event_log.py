"""The log of a meeting's events: whoever resumes, from wherever, misses nothing, gets nothing twice, or begins anew."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_track.event_types import (
    ConsentChanged,
    Emotion,
    Fault,
    Joined,
    Left,
    MeetingChanged,
    Resumed,
    SpeechEnded,
    SpeechStarted,
    Stalled,
    StreamKey,
)
from ser_track.meetings.event_log import EventLog
from ser_track.output.wire import encode
from tests.helpers.api_documents import ASYNCAPI, validator
from tests.helpers.event_readers import fold

MEETING = "m-1"
SNAPSHOT = validator(f"{ASYNCAPI}#/components/schemas/snapshot")
PEOPLE = st.sampled_from(["p-1", "p-2", "p-3"])
KEYS = st.builds(StreamKey, st.just(MEETING), PEOPLE, st.sampled_from(["s-1", "s-2"]))
TIMES = st.sampled_from([0.0, 0.5, 12.416])
SHARES = {"anger": 0.1, "happiness": 0.6, "sadness": 0.1, "neutral": 0.2}
EVENTS = st.one_of(
    st.builds(Joined, KEYS, st.text(max_size=5), st.booleans()),
    st.builds(Left, KEYS, st.just("left")),
    st.builds(ConsentChanged, KEYS, st.booleans()),
    st.builds(Stalled, KEYS, TIMES),
    st.builds(Resumed, KEYS),
    st.builds(SpeechStarted, KEYS, st.just(0), TIMES),
    st.builds(SpeechEnded, KEYS, st.just(0), TIMES, TIMES, st.just("silence"), st.booleans()),
    st.builds(
        Emotion, KEYS, st.just(0), TIMES, TIMES, st.booleans(), st.just(SHARES), st.just("happiness"), st.just(0.6),
        st.just("m@1"),
    ),
    st.builds(Fault, KEYS, st.just("audio_unusable"), st.just("why")),
    st.builds(MeetingChanged, st.just(MEETING), st.sampled_from(["joining", "joined", "reconnecting", "left"])),
)  # fmt: skip


def numbered(count: int, kept: int) -> EventLog:
    log = EventLog(MEETING, kept)
    for number in range(1, count + 1):
        log.put(encode(MeetingChanged(MEETING, "joined", str(number))))
    return log


@given(kept=st.integers(1, 20), before=st.integers(0, 40), later=st.integers(0, 40), seen=st.integers(-2, 90))
def test_resuming_anywhere_gives_each_event_once_or_says_that_it_cannot(
    kept: int, before: int, later: int, seen: int
) -> None:
    log = numbered(before, kept)
    for _ in range(later):
        log.put(encode(MeetingChanged(MEETING, "joined")))
    last = before + later
    entries = log.after(seen)
    if max(0, last - kept) <= seen <= last:
        assert entries is not None
        assert [entry.number for entry in entries] == list(range(seen + 1, last + 1))
    else:
        assert entries is None


@given(st.integers(1, 10), st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=20))
def test_a_reader_of_any_pace_knows_in_the_end_what_happened(kept: int, rounds: list[tuple[int, bool]]) -> None:
    log, seen, told = EventLog(MEETING, kept), 0, list[int]()
    for come, reads in [*rounds, (0, True)]:
        for _ in range(come):
            log.put(encode(MeetingChanged(MEETING, "joined")))
        if reads:
            entries = log.after(seen)
            if entries is None:
                assert log.last - seen > kept, "a snapshot is only for who was away for too long"
                seen = log.last
                continue
            told += [entry.number for entry in entries]
            seen = told[-1] if entries else seen
    assert told == sorted(set(told))
    assert seen == log.last


@given(st.lists(EVENTS, max_size=30))
@settings(max_examples=200)
def test_the_snapshot_is_what_the_events_make(events: list[Any]) -> None:
    log, present, happened = EventLog(MEETING), set[str](), list[dict[str, Any]]()
    for event in events:
        who = getattr(getattr(event, "key", None), "participant", None)
        if who is not None and (who in present) == isinstance(event, Joined):
            continue  # nobody comes twice, and nothing is heard of who is not there
        if isinstance(event, (Joined, Left)):
            present ^= {event.key.participant}
        log.put(line := encode(event))
        happened.append(json.loads(line.text))
        SNAPSHOT.validate(log.snapshot())
        assert log.snapshot() == fold(happened, MEETING)


def test_a_snapshot_is_the_readers_own() -> None:
    log = EventLog(MEETING)
    log.put(encode(Joined(StreamKey(MEETING, "p-1", "s-1"), "Ann", True)))
    log.snapshot()["participants"][0]["name"] = "Bob"
    assert log.snapshot()["participants"][0]["name"] == "Ann"


async def test_all_who_wait_are_woken_by_an_event_and_by_the_end() -> None:
    log = EventLog(MEETING)
    waiting = [asyncio.create_task(log.news(0)) for _ in range(3)]
    await asyncio.sleep(0)
    log.put(encode(MeetingChanged(MEETING, "joined")))
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)
        await log.news(0)  # what is there already is not waited for
        later = asyncio.create_task(log.news(1))
        await asyncio.sleep(0)
        assert not later.done()
        log.end()
        await later
        await log.news(1)


@pytest.mark.parametrize("kept", [1, 5])
def test_it_keeps_no_more_than_it_was_told_to(kept: int) -> None:
    log = numbered(1000, kept)
    assert log.last == 1000
    assert (entries := log.after(1000 - kept)) is not None
    assert len(entries) == kept
    assert log.after(1000 - kept - 1) is None
