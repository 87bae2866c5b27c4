"""A TURN server that gives no address: why, and what to do, is found out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aioice.turn import create_turn_endpoint
from aiortc import RTCIceServer
from aiortc.rtcicetransport import connection_kwargs

from ser_track.aiortc_internals import turn_probe
from ser_track.aiortc_internals.turn_probe import used_relay, why_no_relay
from ser_track.config.schema import IceServer
from tests.helpers.coturn import CREDENTIAL, USER, coturn
from tests.helpers.programs import Program

HOST = "127.0.0.1"


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who is there and says nothing, over UDP; over TCP nobody is there."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind((HOST, 0))
        yield udp.getsockname()[1]


def entry(port: int, transport: str = "udp", credential: str = CREDENTIAL) -> IceServer:
    return IceServer(f"turn:{HOST}:{port}?transport={transport}", USER, credential)


def test_it_is_the_one_that_aiortc_uses() -> None:
    servers = [IceServer("stun:s"), IceServer("turns:first", "a", "b"), IceServer("turn:second", "c", "d")]
    used = used_relay(servers)
    assert used is servers[1]
    taken = connection_kwargs([RTCIceServer(**server.described()) for server in servers])
    assert (taken["turn_server"][0], taken["turn_username"], taken["turn_password"]) == ("first", "a", "b")
    assert used_relay(servers[:1]) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("turn:{host}:{port}?transport=udp", "no answer in 1 s; correct its address, or let UDP to it through"),
        ("turn:{host}:{port}?transport=tcp", "it cannot be reached ("),
        ("turn:no..name", "it cannot be reached ("),
    ],
)
async def test_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch, silent: int, url: str, reason: str) -> None:
    monkeypatch.setattr(turn_probe, "_PATIENCE_S", 1.0)
    assert (await why_no_relay(IceServer(url.format(host=HOST, port=silent), USER, CREDENTIAL))).startswith(reason)


@pytest_asyncio.fixture
async def real(tmp_path: Path) -> AsyncIterator[tuple[Program, int]]:
    """A coturn that gives its one user one address at a time, and its port."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    async with coturn(tmp_path, HOST, HOST, port, "user-quota=1") as program:
        yield program, port


@pytest.mark.meeting
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_that_gives_an_address_when_asked_again_gets_it_back(
    real: tuple[Program, int], transport: str
) -> None:
    turn, port = real
    assert (await why_no_relay(entry(port, transport))).startswith("it gave one when asked again")
    await turn.wait_for(rf"refreshed, .*username=<{USER}>, lifetime=0\n")


@pytest.mark.meeting
async def test_a_turn_server_with_other_reasons_is_quoted(real: tuple[Program, int]) -> None:
    _, port = real
    ended = asyncio.Event()

    class Held(asyncio.DatagramProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.set()

    held, _ = await create_turn_endpoint(Held, (HOST, port), USER, CREDENTIAL)
    assert await why_no_relay(entry(port)) == "refused (486 Allocation Quota Reached); see the log of the TURN server"
    held.close()
    await ended.wait()


@pytest.mark.meeting
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_that_refuses_the_credential(real: tuple[Program, int], transport: str) -> None:
    _, port = real
    reason = await why_no_relay(entry(port, transport, "friend-77aa"))
    assert reason == "username and credential refused (401 Unauthorized); correct them in runtime.ice_servers"
