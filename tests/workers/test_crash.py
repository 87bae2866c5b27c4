"""A worker dies: its meetings are back at once, and nobody else notices."""

import asyncio
import os
import signal
import time
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import WSCloseCode
from prometheus_client.parser import text_string_to_metric_families

from ser_track.workers import process
from tests.helpers.peer import Peer, RecordingTrack
from tests.paths import SPOKEN
from tests.workers.conftest import SOON_S, Front, Page

BACK_S = 5.0
"""What is promised for a meeting whose worker was killed."""


def kill(front: Front, room: str, number: signal.Signals = signal.SIGKILL) -> None:
    pid = front.worker_of(room).pid
    assert pid is not None
    os.kill(pid, number)


async def metric(front: Front, name: str) -> dict[str, float]:
    """The values of ``name`` by worker."""
    async with front.http.get(f"{front.url}/metrics") as response:
        families = text_string_to_metric_families(await response.text())
    return {
        sample.labels.get("worker", ""): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


async def speaking(front: Front, room: str, name: str) -> Page:
    page = await front.page(room, name)
    assert page.first["type"] == "welcome", page.first
    await page.speak(RecordingTrack(SPOKEN))
    return page


def spans(page: Page) -> list[tuple[int, float, float]]:
    """The segments of a page's own voice that are over."""
    own = [each for each in page.peer.events if each.get("participant") == page.id and each["type"] == "speech_ended"]
    return [(each["segment"], each["start_s"], each["end_s"]) for each in own]


def longest_silence_s(page: Page, begin: float, end: float) -> float:
    """The longest time without a message to ``page`` from ``begin`` to ``end``, monotonic seconds."""
    times = [begin, *(at for at, _ in page.peer.messages if begin < at < end), end]
    return max(later - earlier for earlier, later in pairwise(times))


async def test_a_killed_workers_meeting_is_back_in_5_s_and_the_other_loses_nothing(
    front: Front, record_property: Any
) -> None:
    ann, ben = await speaking(front, "killed", "Ann"), await speaking(front, "other", "Ben")
    listener = await front.page("killed", "Lea", consent=False)
    killed, other = front.worker_of("killed"), front.worker_of("other")
    assert killed is not other
    await asyncio.gather(*(page.peer.wait_for("emotion", participant=page.id) for page in (ann, ben)))

    begun = time.monotonic()
    kill(front, "killed")
    assert {await ann.close_code(), await listener.close_code()} == {WSCloseCode.SERVICE_RESTART}
    ann_again, listener_again = await asyncio.gather(
        speaking(front, "killed", "Ann"), front.page("killed", "Lea", consent=False)
    )
    started = await ann_again.peer.wait_for("speech_started", participant=ann_again.id)
    took_s = time.monotonic() - begun
    record_property("seconds from kill -9 to speech events", round(took_s, 2))
    print(f"from kill -9 to the first event of speech: {took_s:.2f} s")
    assert took_s < BACK_S
    assert started["participant"] == ann_again.id
    assert {each["id"] for page in (ann_again, listener_again) for each in page.first["participants"]} <= {
        ann_again.id,
        listener_again.id,
    }, "nobody is left over from before"

    # Both recordings to their end: the same sound gives the same segments, if nothing of it or of its events got lost.
    await ben.peer.wait_for("speech_ended", segment=3, participant=ben.id)
    await ann_again.peer.wait_for("speech_ended", segment=3, participant=ann_again.id)
    assert [segment for segment, _, _ in spans(ben)] == [0, 1, 2, 3]
    for (_, *here), (_, *there) in zip(spans(ben), spans(ann_again), strict=True):
        assert here == pytest.approx(there, abs=0.1)
    kinds = {each["type"] for each in ben.peer.events}
    assert not kinds & {"left", "stalled", "resumed", "error"}, kinds
    assert len({each["stream"] for each in ben.peer.events if "stream" in each}) == 1
    assert longest_silence_s(ben, begun - 1, begun + 3) < 1.5, "its provisional results went on coming"
    assert not ben.socket.closed
    assert (await metric(front, "ser_track_dropped_audio_seconds"))[str(other.number)] == 0
    assert (await metric(front, "ser_track_undelivered_events_total"))[str(other.number)] == 0


async def test_a_killed_worker_is_replaced_and_counted(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    page = await front.page("killed")
    number = front.worker_of("killed").number
    kill(front, "killed")
    assert await page.close_code() == WSCloseCode.SERVICE_RESTART
    status, health = await front.health()
    assert (status, health["rooms"], health["workers"][str(number)]) == (200, 0, "restarting")
    await front.until(lambda: len(front.workers.placement.workers) == 2)
    assert (await front.health())[1]["workers"] == {"1": "ok", "2": "ok"}
    assert (await metric(front, "ser_track_worker_restarts_total"))[str(number)] == 1
    assert f"worker {number}: ended with exit code -9; it is started again in 0.0 s" in caplog.text
    assert f"worker {number} ended with 1 rooms; join again" in caplog.text


async def test_when_all_workers_are_gone_pages_and_programs_are_told_to_come_again(front: Front) -> None:
    pages = [await front.page("one"), await front.page("two")]
    for room in ("one", "two"):
        kill(front, room)
    assert [await page.close_code() for page in pages] == [WSCloseCode.SERVICE_RESTART] * 2
    status, health = await front.health()
    assert (status, health["error"]["code"]) == (503, "no_workers")
    early = await front.page("one")
    assert (early.first["type"], early.first["code"]) == ("error", "restarting")
    assert await early.close_code() == WSCloseCode.SERVICE_RESTART
    body = {"room": "one", "name": "n", "consent": True, "type": "offer", "sdp": "v=0"}
    async with front.http.post(f"{front.url}/offer", json=body) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (503, "restarting")
    async with front.http.get(f"{front.url}/") as response:
        assert response.status == 200, "the page is there all the time"
    await front.until(lambda: len(front.workers.placement.workers) == 2)
    assert (await front.page("one")).first["type"] == "welcome"


async def test_a_worker_that_hangs_is_killed_and_its_pages_come_back(
    front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "ASK_S", 0.3)
    page = await front.page("stuck")
    number = front.worker_of("stuck").number
    kill(front, "stuck", signal.SIGSTOP)
    await front.until(lambda: front.workers.states()[number] != "ok")
    # Nothing between this line and the one before: it is killed at the next miss.
    if front.workers.states()[number] == "hanging":
        status, health = await front.health()
        assert (status, health["error"]["code"]) == (503, "worker_hanging")
        assert str(number) in health["error"]["message"]
    assert await page.close_code() == WSCloseCode.SERVICE_RESTART
    assert (await front.page("stuck")).first["type"] == "welcome"
    assert "does not answer" in caplog.text


async def test_a_worker_that_is_asked_to_end_says_goodbye_first_and_its_pages_come_back(front: Front) -> None:
    page, program = await front.page("asked"), Peer(front.http, front.url)
    try:
        await program.join("asked", "Program", RecordingTrack(SPOKEN))
        await program.wait_for("speech_started")
        kill(front, "asked", signal.SIGTERM)
        assert await page.close_code() == WSCloseCode.SERVICE_RESTART, "not 1001, which is the end of the server"
        assert (await front.page("asked")).first["type"] == "welcome"
        await program.wait_for("speech_ended", reason="flush")
    finally:
        await program.close()
    await front.until(lambda: len(front.workers.placement.workers) == 2)


async def test_a_worker_that_does_not_end_when_asked_is_killed(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_S", 0.5)
    await front.page("stuck")
    worker = front.worker_of("stuck")
    kill(front, "stuck", signal.SIGSTOP)
    async with asyncio.timeout(SOON_S):
        await front.workers.stop()
    assert worker.ended.is_set()


async def test_the_end_does_not_wait_until_a_worker_has_started(front: Front) -> None:
    await front.page("killed")
    killed = front.worker_of("killed")
    kill(front, "killed")
    await killed.ended.wait()
    await front.until(lambda: front.workers.processes.get(killed.number, killed) is not killed)
    async with asyncio.timeout(process.STOP_S):
        await front.workers.stop()
    assert front.workers.processes == {}
