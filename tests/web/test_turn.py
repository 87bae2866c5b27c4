"""Through a firewall: no way between server and participant but a real coturn, over UDP and over TCP."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.helpers.browser import join, launched, require_browser
from tests.helpers.coturn import CREDENTIAL, USER, coturn
from tests.helpers.distant_server import HTTP_PORT, complaints, opened, served, speaks
from tests.helpers.firewall import PARTICIPANT, RELAY_FOR_PARTICIPANT, RELAY_FOR_SERVER, SERVER, Walled, walled
from tests.helpers.peer import Peer
from tests.helpers.programs import Program
from tests.paths import SPOKEN

pytestmark = pytest.mark.meeting
TURN_PORT = 3478
RESULT_MS = 30_000
ADDRESSES = (SERVER, RELAY_FOR_SERVER, PARTICIPANT, RELAY_FOR_PARTICIPANT)
PACKETS_OF_THE_VOICE = 100
"""Two seconds of 20 ms each; of ICE, DTLS and the data channel there are a few tens."""


@pytest.fixture
def networks() -> Iterator[Walled]:
    with walled() as built:
        yield built


def relay_between(networks: Walled, folder: Path) -> AbstractAsyncContextManager[Program]:
    """A TURN server that both networks reach."""
    way_there = networks.within(networks.relay)
    return coturn(folder, RELAY_FOR_SERVER, RELAY_FOR_PARTICIPANT, TURN_PORT, within=way_there)


def turn_url(transport: str) -> str:
    return f"turn:{RELAY_FOR_SERVER}:{TURN_PORT}?transport={transport}"


def turn_at(transport: str, credential: str = CREDENTIAL) -> list[dict[str, str]]:
    """The configuration of this one ICE server."""
    return [{"urls": turn_url(transport), "username": USER, "credential": credential}]


def test_turn_is_the_only_way_between_the_networks(networks: Walled) -> None:
    ways = {
        network: [address for address in ADDRESSES if networks.has_route(network, address)]
        for network in (networks.server, networks.participant)
    }
    assert ways == {
        networks.server: [SERVER, RELAY_FOR_SERVER],
        networks.participant: [PARTICIPANT, RELAY_FOR_PARTICIPANT],
    }


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_turn_brings_a_voice_through_the_firewall(networks: Walled, tmp_path: Path, transport: str) -> None:
    async with (
        relay_between(networks, tmp_path) as turn,
        served(networks, networks.server, tmp_path, turn_at(transport)) as server,
    ):
        async with speaks(networks, networks.participant, server) as ann:
            path = json.loads((await ann.wait_for(r'\{"path".*'))[0])["path"]
            assert path == [f"host {PARTICIPANT}", f"relay {RELAY_FOR_PARTICIPANT}"]
            result = json.loads((await ann.wait_for(r'.*"type": "emotion".*"final": true.*'))[0])
            assert sum(result["probabilities"].values()) == pytest.approx(1, abs=0.001)
            # Before aiortc's decoder, but not at the socket, where every packet is wrapped for the relay.
            assert await server.tracks() == {"packets": 1}
        assert ("tcp or tls connected to" in turn.output) == (transport == "tcp")
        # Who hung up is forgotten by the server, and by the relay at once, not when ten minutes are over.
        await turn.wait_for(rf"refreshed, .*username=<{USER}>, lifetime=0\n")
        relayed = await turn.wait_for(r"peer usage: .* rp=(\d+), ")
        assert int(relayed[1]) > PACKETS_OF_THE_VOICE
        await turn.wait_for(rf"delete: .*username=<{USER}>")
        assert await server.program.end() == 0
        assert complaints(server.program.output) == []


@pytest.mark.browser
async def test_turn_brings_a_browser_through_the_firewall(networks: Walled, tmp_path: Path) -> None:
    starter = tmp_path / "browser"
    command = shlex.join((*networks.within(networks.participant), require_browser()))
    starter.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    starter.chmod(0o700)
    async with AsyncExitStack() as stack:
        turn = await stack.enter_async_context(relay_between(networks, tmp_path))
        server = await stack.enter_async_context(served(networks, networks.server, tmp_path, turn_at("udp")))
        port = str(HTTP_PORT)
        await stack.enter_async_context(opened(networks, networks.participant, port, str(server.door)))
        browser = await stack.enter_async_context(launched(SPOKEN, str(starter)))
        page = await browser.new_page()
        await join(page, f"http://localhost:{port}", "r", "Ann", consent=True)
        own_tile = page.locator("[data-participant][data-peer=self]")
        await expect(own_tile).not_to_have_attribute("data-final-count", "0", timeout=RESULT_MS)
        assert await server.tracks() == {"packets": 1}
        await page.close()
        await turn.wait_for(rf"refreshed, .*username=<{USER}>, lifetime=0\n")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_turn_is_left_in_order_when_the_server_stops(networks: Walled, tmp_path: Path, transport: str) -> None:
    async with (
        relay_between(networks, tmp_path) as turn,
        served(networks, networks.server, tmp_path, turn_at(transport)) as server,
    ):
        async with speaks(networks, networks.participant, server) as ann:
            await ann.wait_for('"type": "speech_started"')
            assert await server.program.end() == 0
        assert complaints(server.program.output) == []
        await turn.wait_for(rf"refreshed, .*username=<{USER}>, lifetime=0\n")


async def test_turn_server_that_is_gone_does_not_keep_the_server_from_stopping(
    networks: Walled, tmp_path: Path
) -> None:
    async with (
        relay_between(networks, tmp_path) as turn,
        served(networks, networks.server, tmp_path, turn_at("udp")) as server,
    ):
        async with speaks(networks, networks.participant, server) as ann:
            await ann.wait_for('"type": "speech_started"')
            turn.kill()
            assert await server.program.end() == 0  # by itself: who is killed for not ending has another code
        (complaint, *_) = complaints(server.program.output)
        assert complaint.endswith("a connection did not close in 3 s and was abandoned")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_turn_with_a_wrong_credential_is_named_in_the_log(
    networks: Walled, tmp_path: Path, transport: str
) -> None:
    url = turn_url(transport)
    async with (
        relay_between(networks, tmp_path),
        served(networks, networks.server, tmp_path, turn_at(transport, "friend-77aa")) as server,
    ):
        ann = Peer(server.http, "http://localhost")
        answer = await ann.join("r", "Ann", None)
        assert " typ relay" not in answer["sdp"]
        await server.program.wait_for(
            rf"WARNING .*no relayed address from {re.escape(url)}: username and credential refused \(401 .*correct them"
        )
        await ann.close()
        assert await server.program.end() == 0
        assert len(complaints(server.program.output)) == 1
        assert "friend-77aa" not in server.program.output
