"""Contract with aioice: candidates that come after the offer, and checks that leave out what they must have."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from ser_track.aiortc_internals.candidates import MAX_REMOTE_CANDIDATES, add_candidates, limit_candidates
from tests.helpers.whip_sender import without_candidates

EXCLUDED = ("10.0.0.0/8",)


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[RTCPeerConnection]:
    """It has answered an offer without candidates, and waits for them."""
    offering = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    offering.addTransceiver("audio", direction="sendonly")
    await offering.setLocalDescription(await offering.createOffer())
    answering = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    offer = without_candidates(offering.localDescription.sdp)
    await answering.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    assert limit_candidates(answering, EXCLUDED) == 0
    await answering.setLocalDescription(await answering.createAnswer())
    yield answering
    await answering.close()
    await offering.close()


def ice_of(connection: RTCPeerConnection) -> Any:
    return connection.getTransceivers()[0].receiver.transport.transport._connection


def line(host: str, number: int = 1, kind: str = "udp") -> str:
    return f"{number} 1 {kind} {number} {host} {5000 + number} typ host"


async def test_those_that_may_be_sent_to_are_added_and_no_more_than_the_limit(connection: RTCPeerConnection) -> None:
    none = [line("10.1.2.3"), line("224.0.0.1"), line("192.0.2.1", kind="tcp"), line("name.local")]
    assert await add_candidates(connection, none, EXCLUDED) == 0
    assert await add_candidates(connection, [line("127.0.0.1")], EXCLUDED) == 1
    many = [line("127.0.0.1", number) for number in range(2, 40)]
    assert await add_candidates(connection, many, EXCLUDED) == MAX_REMOTE_CANDIDATES - 1
    assert {each.host for each in ice_of(connection).remote_candidates} == {"127.0.0.1"}


async def test_after_the_end_of_candidates_none_is_added(connection: RTCPeerConnection) -> None:
    await ice_of(connection).add_remote_candidate(None)
    assert await add_candidates(connection, [line("127.0.0.1")], ()) == 0


async def test_what_is_no_candidate_is_an_error(connection: RTCPeerConnection) -> None:
    with pytest.raises(ValueError, match="enough properties"):
        await add_candidates(connection, ["1 1 udp"], ())


async def test_a_check_without_a_priority_is_taken_as_ffmpeg_sends_it(connection: RTCPeerConnection) -> None:
    ice = ice_of(connection)
    check = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    ice.check_incoming(check, ("127.0.0.1", 5000), ice._protocols[0])
    (learned,) = ice.remote_candidates
    assert (learned.host, learned.type) == ("127.0.0.1", "prflx")
