"""Offers whose sender never connects: they fill neither a room nor the server, and others do not notice them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import make_mocked_request
from aiortc import RTCSessionDescription

from ser_track.config.schema import Config, ServerConfig
from ser_track.web.requests import peer_address
from tests.helpers.peer import Peer, RecordingTrack
from tests.helpers.room_page import joined
from tests.paths import SPOKEN
from tests.web.conftest import Running

ELSEWHERE = {"X-Forwarded-For": "192.0.2.7"}


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, server=replace(base.server, trusted_proxies=("127.0.0.0/8",)))


@pytest_asyncio.fixture
async def abandoned(server: Running) -> AsyncIterator[Peer]:
    """Somebody whose offer can be sent any number of times."""
    peer = Peer(server.http, server.url)
    peer.connection.addTransceiver("audio", direction="sendonly")
    await peer.connection.setLocalDescription(await peer.connection.createOffer())
    yield peer
    await peer.close()


async def post(server: Running, peer: Peer, room: str, **headers: str) -> tuple[int, dict[str, Any]]:
    sdp = peer.connection.localDescription.sdp
    body = {"room": room, "name": "Nobody", "consent": True, "type": "offer", "sdp": sdp}
    async with server.http.post(f"{server.url}/offer", json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_abandoned_offers_from_one_address_leave_rooms_to_others(server: Running, abandoned: Peer) -> None:
    answers = [await post(server, abandoned, f"room {number}") for number in range(60)]
    assert Counter(status for status, _ in answers) == {200: 24, 429: 36}
    assert answers[-1][1]["error"]["code"] == "crowded"
    assert "24 people from your address" in answers[-1][1]["error"]["message"]
    assert len(server.rooms) == 24
    status, _ = await post(server, abandoned, "mine", **ELSEWHERE)
    assert status == 200
    async with server.http.ws_connect(f"{server.url}/ws") as page:
        await page.send_json({"type": "join", "room": "one more", "name": "Ann", "consent": True})
        assert (await page.receive_json())["code"] == "crowded"


async def test_abandoned_offers_do_not_fill_a_room(server: Running, abandoned: Peer) -> None:
    answers = [await post(server, abandoned, "r", **{"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(4)]
    assert [status for status, _ in answers] == [200] * 4
    fifth = asyncio.create_task(post(server, abandoned, "r", **{"X-Forwarded-For": "192.0.2.9"}))
    async with joined(server.http, server.url, "r") as page:  # while that one waits
        assert page.first["type"] == "welcome"
        assert len(page.first["participants"]) == 4
        assert not fifth.done()
        described = RTCSessionDescription(answers[-1][1]["sdp"], "answer")
        await abandoned.connection.setRemoteDescription(described)
        status, _ = await asyncio.wait_for(fifth, 20)
        assert status == 200, "one of the others has connected, so that there is room"


async def test_people_who_connect_never_wait_for_good(server: Running) -> None:
    people = [Peer(server.http, server.url) for _ in range(8)]
    await asyncio.gather(*(one.join("r", "Ann", RecordingTrack(SPOKEN)) for one in people))
    for one in people:
        await one.wait_for("joined", participant=one.id)
    await asyncio.gather(*(one.close() for one in people))


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("198.51.100.1", "", "198.51.100.1"),
        ("198.51.100.1", "192.0.2.7", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.5, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.5, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "192.0.2.7", "192.0.2.7"),
        ("", "192.0.2.7, nonsense", "nonsense"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
    ],
)
def test_the_address_is_that_of_the_connection_unless_a_trusted_proxy_names_another(
    remote: str, forwarded: str, address: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("POST", "/offer", headers=headers).clone(remote=remote)
    assert peer_address(request, ServerConfig(trusted_proxies=("10.0.0.0/8",))) == address
