"""Offers that browsers and attackers send to a running server: who is announced, what is heard, who gets packets."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from ser_track.aiortc_internals.candidates import MAX_REMOTE_CANDIDATES
from ser_track.config.schema import Config
from tests.helpers.peer import Peer, RecordingTrack
from tests.helpers.room_page import joined
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running

NO_VIDEO = "m=video 0 UDP/TLS/RTP/SAVPF 120\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:v\r\na=rtpmap:120 VP8/90000\r\n"


async def post(server: Running, sdp: str, room: str = "r") -> tuple[int, dict[str, Any]]:
    body = {"room": room, "name": "Program", "consent": True, "type": "offer", "sdp": sdp}
    async with server.http.post(f"{server.url}/offer", json=body) as response:
        return response.status, await response.json()


@pytest_asyncio.fixture
async def offered() -> AsyncIterator[str]:
    """What a program offers that sends its voice."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("events")
    connection.addTransceiver("audio", direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    yield connection.localDescription.sdp
    await connection.close()


async def test_a_voice_after_a_rejected_video_is_heard(server: Running, peer: MakePeer) -> None:
    speaker: Peer = peer()
    speaker.connection.addTrack(RecordingTrack(SPOKEN))
    await speaker.connection.setLocalDescription(await speaker.connection.createOffer())
    head, *sections = re.split(r"(?=m=)", speaker.connection.localDescription.sdp)
    status, answer = await post(server, "".join([head, NO_VIDEO, *sections]))
    assert status == 200, answer
    head, first, *others = re.split(r"(?=m=)", answer["sdp"])
    assert first.startswith("m=video 0 UDP/TLS/RTP/SAVPF 120\r\n")
    assert "BUNDLE 0 1" in head
    await speaker.connection.setRemoteDescription(RTCSessionDescription("".join([head, *others]), "answer"))
    await speaker.wait_for("speech_started", participant=answer["participant"])


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ("a=sendonly", "a=recvonly", "recvonly"),
        ("a=sendonly", "a=inactive", "inactive"),
        (r"m=audio \d+", "m=audio 0", "port 0"),
        (r"a=fingerprint.*\r\n", "", "fingerprint"),
        (r"a=ice-pwd.*\r\n", "", "ICE"),
        (r"BUNDLE 0 1", "BUNDLE 0 1 9", "'9'"),
        (r"BUNDLE 0 1", "BUNDLE 9 0 1", "'9'"),
    ],
)
async def test_of_an_offer_that_cannot_be_heard_nobody_learns(
    server: Running, offered: str, wrong: str, right: str, reason: str
) -> None:
    async with joined(server.http, server.url, "r") as page:
        sdp = re.sub(wrong, right, offered)
        assert sdp != offered
        status, answer = await post(server, sdp)
        assert (status, answer["error"]["code"]) == (400, "bad_request"), answer
        assert reason in answer["error"]["message"]
        status, answer = await post(server, offered)
        assert status == 200
        assert (await page.told("joined"))["participant"]["id"] == answer["participant"], "the first to be announced"


class Targets:
    """Sockets that somebody names as addresses of theirs, and how many packets each has got."""

    def __init__(self, stack: ExitStack, addresses: list[str]) -> None:
        self.got: Counter[int] = Counter()
        self._news = asyncio.Event()
        self.candidates = ""
        for place, address in enumerate(addresses):
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.bind((address, 0))
            one.setblocking(False)
            asyncio.get_running_loop().add_reader(one, self._take, place, one)
            stack.callback(asyncio.get_running_loop().remove_reader, one)
            self.candidates += (
                f"a=candidate:{place} 1 udp {2130706431 - place} {address} {one.getsockname()[1]} typ host\r\n"
            )

    def into(self, sdp: str) -> str:
        """The offer ``sdp`` with these addresses in place of its own."""
        head, first, *others = re.split(r"(?=m=)", re.sub(r"a=(candidate|end-of-candidates).*\r\n", "", sdp))
        return "".join([head, first, self.candidates, "a=end-of-candidates\r\n", *others])

    async def got_three(self, place: int) -> None:
        """Return once this one has got three packets: the third comes 1.5 s after the first."""
        async with asyncio.timeout(30):
            while self.got[place] < 3:
                self._news.clear()
                await self._news.wait()

    def _take(self, place: int, one: socket.socket) -> None:
        one.recv(2048)
        self.got[place] += 1
        self._news.set()


async def test_an_offer_makes_us_send_to_few_addresses(server: Running, offered: str) -> None:
    with ExitStack() as stack:
        targets = Targets(stack, ["127.0.0.1"] * 60)
        status, answer = await post(server, targets.into(offered))
        assert status == 200, answer
        # Checks are 20 ms apart, so that by its third packet all others would have got their first one.
        await targets.got_three(MAX_REMOTE_CANDIDATES - 1)
        assert set(targets.got) == set(range(MAX_REMOTE_CANDIDATES))


class TestExcluded:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, runtime=replace(base.runtime, excluded_networks=("127.0.0.0/8", "fd00::/8")))

    async def test_an_address_that_the_configuration_excludes_gets_no_packet(
        self, server: Running, offered: str
    ) -> None:
        (own, *_) = re.findall(r"a=candidate:\S+ 1 udp \d+ ([\d.]+) ", offered)
        with ExitStack() as stack:
            targets = Targets(stack, ["127.0.0.1", "127.0.0.1", own])
            status, answer = await post(server, targets.into(offered))
            assert status == 200, answer
            await targets.got_three(2)
            assert set(targets.got) == {2}

    async def test_a_participant_elsewhere_connects_as_before(self, peer: MakePeer) -> None:
        speaker = peer()
        await speaker.join("r", "Speaker", RecordingTrack(SPOKEN))
        await speaker.wait_for("speech_started")
