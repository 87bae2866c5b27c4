"""More messages on a data channel than people send: refusals still count, and nobody else is disturbed."""

import asyncio
import json

from ser_track.meetings.rate_limits import ANSWERS_BURST
from tests.helpers.peer import Peer, RecordingTrack
from tests.helpers.room_page import joined
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running


def answer(person: Peer, analysed: bool) -> None:
    person.channel.send(json.dumps({"type": "consent", "analysed": analysed}))


async def test_people_change_their_answer_at_once(peer: MakePeer) -> None:
    ann = peer()
    await ann.join("r", "Ann", RecordingTrack(SPOKEN))
    await ann.wait_for("notice")
    for _ in range(5):
        answer(ann, False)
        answer(ann, True)
    stream = f"{ann.id}-s6"
    await ann.wait_for("consent", analysed=True, stream=stream)
    await ann.wait_for("speech_started", stream=stream)


async def test_a_refusal_counts_however_many_messages_came_before(peer: MakePeer, server: Running) -> None:
    ann = peer()
    await ann.join("r", "Ann", None)
    await ann.wait_for("notice")
    for _ in range(150):
        answer(ann, True)
        answer(ann, False)
        ann.channel.send("nonsense")
    answer(ann, True)
    ann.channel.send('{"type": "opt_out"}')
    assert "too fast" in (await ann.wait_for("error", code="too_many"))["message"]
    (attendee,) = (participant.attendee for participant in server.people())
    async with asyncio.timeout(20):
        while attendee.agreed:  # noqa: ASYNC110 - nobody tells that nothing more comes
            await asyncio.sleep(0.05)
    assert attendee.agreements <= ANSWERS_BURST
    assert sum(event["type"] == "error" for event in ann.events) <= ANSWERS_BURST + 1
    async with asyncio.timeout(20):
        while not attendee.agreed:  # it may be asked for again a moment later
            answer(ann, True)
            await asyncio.sleep(0.5)


async def test_a_program_that_floods_its_channel_has_left(peer: MakePeer) -> None:
    onlooker, flooder = peer(), peer()
    await onlooker.join("r", "Onlooker", None, consent=False)
    await flooder.join("r", "Flooder", None)
    await flooder.wait_for("notice")
    for _ in range(1500):
        answer(flooder, False)
    left = await onlooker.wait_for("left", participant=flooder.id)
    assert "too many messages" in left["reason"]


async def test_a_page_that_floods_its_channel_connects_anew(server: Running) -> None:
    async with joined(server.http, server.url, "r") as page:
        await page.speak(None)
        await page.peer.wait_for("notice")
        closed = asyncio.Event()
        page.peer.channel.on("close", closed.set)
        for _ in range(1500):
            answer(page.peer, False)
        async with asyncio.timeout(20):
            await closed.wait()
        page.peer = Peer(server.http, server.url)
        await page.speak(RecordingTrack(SPOKEN))
        await page.peer.wait_for("notice")
        answer(page.peer, True)
        await page.peer.wait_for("speech_started")
        await page.hang_up()
