"""WHIP's endpoint over HTTP (RFC 9725), with senders made with aiortc: answers, limits, consent, and every end."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection

from ser_track.config.schema import Config, IceServer
from ser_track.event_types import Consent
from tests.helpers.meeting_events import MeetingEvents
from tests.helpers.peer import RecordingTrack
from tests.helpers.whip_sender import FRAGMENT, SDP, WhipSender, fragment_of, without_candidates
from tests.paths import SPOKEN
from tests.web.conftest import Running

TURN = IceServer("turn:turn.example.org:3478", "ann", 'se"same')
PAGE = "https://studio.example.org"
MakeSender = Callable[..., WhipSender]


@pytest.fixture
def consent() -> Consent:
    """What holds for people who have not answered; a test class overrides it."""
    return "notice"


@pytest.fixture
def config(consent: Consent) -> Config:
    base = Config()
    meetings = replace(base.meetings, consent=consent, linger_s=1.0, max_participants=3)
    server = replace(base.server, allowed_origins=(PAGE,))
    return replace(base, meetings=meetings, server=server, rooms=replace(base.rooms, max_unconnected=2))


@pytest_asyncio.fixture
async def sender(server: Running, no_blocking: None) -> AsyncIterator[MakeSender]:
    """Makes senders; those that published leave at the end."""
    made: list[WhipSender] = []

    def make(meeting: str = "talk", **headers: str) -> WhipSender:
        made.append(WhipSender(server.http, server.url, meeting, **headers))
        return made[-1]

    yield make
    for one in made:
        if one.session:
            await one.close()
        await one.connection.close()


@pytest_asyncio.fixture
async def offer() -> AsyncIterator[str]:
    """Of somebody who then never connects."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    yield connection.localDescription.sdp
    await connection.close()


async def refused(response: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    async with response as answer:
        return answer.status, (await answer.json())["error"]["code"]


async def test_an_offer_without_candidates_is_heard_and_its_session_has_all_that_the_rfc_asks_for(
    server: Running, sender: MakeSender
) -> None:
    ann = sender("a/b c")
    await ann.publish(RecordingTrack(SPOKEN), "Ann", change=without_candidates)
    events = MeetingEvents(server, "whip a/b c")
    person = (await events.until("joined", name="Ann", analysed=True))["participant"]
    await events.until("emotion", participant=person, final=True)
    assert re.fullmatch(rf"{re.escape(server.url)}/whip/a%2Fb%20c/[\w-]{{20,}}", ann.session)
    assert re.fullmatch(r'"\w+"', ann.etag)
    async with server.http.delete(ann.session) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "0")
    assert (await events.until("left", participant=person))["reason"] == "left"
    async with server.http.delete(ann.session) as response:
        assert response.status == 404, "it is over"


async def test_results_come_on_a_data_channel_if_the_sender_has_one_and_it_can_refuse_there(
    server: Running, sender: MakeSender
) -> None:
    ann = sender()
    await ann.publish(RecordingTrack(SPOKEN), "Ann", channel=True)
    events = MeetingEvents(server, "whip talk")
    await events.until("emotion")
    async with asyncio.timeout(10):
        while not {"notice", "emotion"} <= {event["type"] for event in ann.events}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert next(event for event in ann.events if event["type"] == "notice")["own_url"] == ann.notice_url
    assert ann.channel is not None
    ann.channel.send('{"type": "opt_out"}')
    await events.until("consent", analysed=False)


async def test_a_second_voice_and_video_of_one_session_are_not_taken(server: Running, sender: MakeSender) -> None:
    ann = sender()
    ann.connection.addTransceiver("video", direction="sendonly")
    ann.connection.addTrack(RecordingTrack(SPOKEN))
    await ann.publish(RecordingTrack(SPOKEN), "Ann")
    sections = re.split(r"^(?=m=)", ann.connection.remoteDescription.sdp, flags=re.MULTILINE)[1:]
    directions = {part.split()[0]: re.findall("a=(recvonly|inactive)", part) for part in sections[:2]}
    assert directions == {"m=audio": ["recvonly"], "m=video": ["inactive"]}
    assert "a=inactive" in sections[2]
    events = MeetingEvents(server, "whip talk")
    await events.until("emotion")
    assert len([event for event in events.events if event["type"] == "joined"]) == 1


async def test_candidates_that_come_later_are_tried(server: Running, sender: MakeSender, offer: str) -> None:
    ann, loop = sender(), asyncio.get_running_loop()
    async with ann.post(without_candidates(offer)) as response:
        ann.session, etag = f"{server.url}{response.headers['Location']}", response.headers["ETag"]
        assert response.headers["Accept-Patch"] == FRAGMENT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.setblocking(False)
        there.bind(("127.0.0.1", 0))
        line = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {there.getsockname()[1]} typ host\r\n"
        async with ann.patch(fragment_of(without_candidates(offer)) + line, etag) as response:
            assert response.status == 204, await response.text()
        async with asyncio.timeout(10):
            check = await loop.sock_recv(there, 2048)
    assert check.startswith(b"\x00\x01"), "a binding request (RFC 8489, 5)"
    async with ann.patch(f"{fragment_of(offer)}a=end-of-candidates\r\n", etag) as response:
        assert response.status == 204


async def test_what_is_wrong_with_a_patch_is_said_with_the_status_that_the_rfc_gives_it(
    server: Running, sender: MakeSender
) -> None:
    ann = sender()
    await ann.publish(RecordingTrack(SPOKEN, seconds=0), "Ann")
    fragment = fragment_of(ann.offer)
    restart = re.sub("a=ice-ufrag:.*", "a=ice-ufrag:other", fragment)
    assert await refused(ann.patch(fragment, None)) == (428, "precondition_required")
    assert await refused(ann.patch(fragment, '"other"')) == (412, "precondition_failed")
    assert await refused(ann.patch(restart, "*")) == (422, "no_ice_restart")
    assert await refused(ann.patch(restart, ann.etag)) == (422, "no_ice_restart")
    assert await refused(ann.patch(fragment, ann.etag, SDP)) == (415, "unsupported_media_type")
    assert await refused(ann.patch("hello", ann.etag)) == (400, "bad_request")
    assert await refused(ann.patch("a=candidate:1 1 udp\r\n", ann.etag)) == (400, "bad_request")
    assert await refused(ann.patch("a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" * 41, ann.etag)) == (
        400,
        "bad_request",
    )
    async with server.http.patch(f"{ann.endpoint}/nobody", data=fragment, headers={"Content-Type": FRAGMENT}) as answer:
        assert answer.status == 404
    statuses = [(await refused(ann.patch("hello", ann.etag)))[0] for _ in range(60)]
    assert statuses[-1] == 429
    async with server.http.get(ann.session) as response:
        assert (response.status, response.headers["Allow"]) == (405, "DELETE,OPTIONS,PATCH")


async def test_what_is_wrong_with_an_offer_is_said_and_nobody_is_announced(
    server: Running, sender: MakeSender, offer: str
) -> None:
    ann = sender()
    assert await refused(ann.post(offer, "application/json")) == (415, "unsupported_media_type")
    assert await refused(ann.post("hello")) == (400, "bad_request")
    assert await refused(ann.post(offer.replace("a=sendonly", "a=recvonly"))) == (400, "bad_request")
    assert await refused(ann.post(offer, name="\u202eAnn")) == (400, "bad_request")
    assert await refused(ann.post(offer, name="bot")) == (400, "bad_request")
    assert await refused(sender("x" * 41).post(offer)) == (400, "bad_request")
    async with server.http.get(ann.endpoint) as response:
        assert response.status == 405
    assert list(server.bot.meetings) == []


async def test_who_never_connects_cannot_take_the_places_of_others(
    server: Running, sender: MakeSender, offer: str
) -> None:
    for _ in range(2):
        async with sender().post(offer) as response:
            assert response.status == 201
    assert await refused(sender("other").post(offer)) == (429, "crowded")


async def test_a_full_meeting_refuses_and_without_a_name_somebody_is_someone(
    server: Running, sender: MakeSender
) -> None:
    for name in ("Ann", "Bob", ""):
        one = await sender().publish(RecordingTrack(SPOKEN, seconds=0), name)
        async with asyncio.timeout(10):
            while one.connection.connectionState != "connected":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    events = MeetingEvents(server, "whip talk")
    assert [event["name"] for event in events.events if event["type"] == "joined"] == ["Ann", "Bob", "someone"]
    assert await refused(sender().post(one.offer)) == (409, "full")


async def test_who_vanishes_has_left_and_an_empty_meeting_ends(server: Running, sender: MakeSender) -> None:
    ann = sender()
    await ann.publish(RecordingTrack(SPOKEN), "Ann")
    events = MeetingEvents(server, "whip talk")
    await events.until("speech_started")
    await ann.connection.close()
    assert "connection" in (await events.until("left"))["reason"]
    await events.until("meeting", state="left")
    assert "nobody publishes" in str(events.session.reason)


async def test_after_the_bot_was_called_back_senders_are_refused(
    server: Running, sender: MakeSender, offer: str
) -> None:
    ann = sender()
    await ann.publish(RecordingTrack(SPOKEN, seconds=0), "Ann")
    session = MeetingEvents(server, "whip talk").session
    async with server.http.delete(f"{server.url}/meetings/{session.id}") as response:
        assert response.status == 204
    assert await refused(ann.post(offer)) == (409, "called_back")
    assert await ann.close() == 404


class TestConsentRequired:
    @pytest.fixture
    def consent(self) -> Consent:
        return "required"

    async def test_only_the_senders_own_link_agrees_for_them(self, server: Running, sender: MakeSender) -> None:
        ann = await sender().publish(RecordingTrack(SPOKEN), "Ann")
        events = MeetingEvents(server, "whip talk")
        person = (await events.until("joined", name="Ann", analysed=False))["participant"]
        page = str(events.session.roster.notice.url)
        body = {"participant": person, "analysed": True}
        async with server.http.post(f"{page}/answer", json=body) as response:
            assert response.status == 403, "the link of the meeting is everybody's"
        await asyncio.sleep(1)
        assert {event["type"] for event in events.of(person)} == {"joined"}
        assert await ann.answer(analysed=True) == 200
        await events.until("emotion", participant=person)


class TestPages:
    async def test_a_page_of_an_allowed_origin_may_publish_and_read_what_it_needs(
        self, server: Running, sender: MakeSender, offer: str
    ) -> None:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "PATCH"}
        async with server.http.options(sender().endpoint, headers=asked) as response:
            assert (response.status, response.headers["Accept-Post"]) == (204, SDP)
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
            assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
            assert "If-Match" in response.headers["Access-Control-Allow-Headers"]
        async with sender(Origin=PAGE).post(offer) as response:
            assert response.status == 201
            shown = response.headers["Access-Control-Expose-Headers"]
            assert {"Location", "ETag", "Link"} <= set(shown.split(", "))
        assert await refused(sender(Origin="https://evil.example").post(offer)) == (403, "forbidden")


class TestWithTokenAndTurn:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        runtime = replace(base.runtime, ice_servers=(IceServer("stun:127.0.0.1:9"), TURN))
        return replace(base, runtime=runtime, server=replace(base.server, token="sesame"))

    async def test_ice_servers_are_given_to_who_has_the_token(self, server: Running) -> None:
        url, bearer = f"{server.url}/whip/talk", {"Authorization": "Bearer sesame"}
        async with server.http.options(url) as response:
            assert (response.status, response.headers.getall("Link", [])) == (204, [])
        async with server.http.options(url, headers=bearer) as response:
            assert response.headers.getall("Link") == [
                '<stun:127.0.0.1:9>; rel="ice-server"',
                '<turn:turn.example.org:3478>; rel="ice-server"; username="ann"; credential="se\\"same"; '
                'credential-type="password"',
            ]
        async with server.http.post(url, data="v=0", headers={"Content-Type": SDP}) as response:
            assert response.status == 401
