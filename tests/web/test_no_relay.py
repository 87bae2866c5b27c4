"""A TURN server that is not there: it holds up nobody who needs none, and says so to those who do, and to the log."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from ser_track.config.schema import Config, IceServer
from ser_track.meetings import analysis_peer
from tests.helpers.peer import RecordingTrack
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running


@pytest.fixture
def nobody() -> Iterator[IceServer]:
    """A TURN server at a port that is taken, so that nobody else comes to listen at it, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield IceServer(f"turn:127.0.0.1:{taken.getsockname()[1]}?transport=tcp", "ser-track", "mellon-9f2c")


@pytest.fixture
def config(nobody: IceServer) -> Config:
    base = Config()
    return replace(base, runtime=replace(base.runtime, ice_servers=(nobody,)))


async def offer_of_somebody_gone() -> str:
    caller = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    caller.addTransceiver("audio", direction="sendonly")
    await caller.setLocalDescription(await caller.createOffer())
    sdp: str = caller.localDescription.sdp
    await caller.close()
    return sdp


async def test_who_needs_no_relay_is_heard_and_who_is_lost_for_want_of_it_learns_so(
    server: Running,
    peer: MakePeer,
    nobody: IceServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ann = peer()
    await ann.join("r", "Ann", RecordingTrack(SPOKEN))
    await ann.wait_for("speech_started", participant=ann.id)

    monkeypatch.setattr(analysis_peer, "_CONNECT_TIMEOUT_S", 0.5)
    body = {"room": "r", "name": "Bob", "consent": True, "type": "offer", "sdp": await offer_of_somebody_gone()}
    async with server.http.post(f"{server.url}/offer", json=body) as response:
        bob = (await response.json())["participant"]
    goodbye = await ann.wait_for("left", participant=bob)
    assert goodbye["reason"].endswith(", and there was no relay")

    lines = [record.getMessage() for record in caplog.records if record.name == analysis_peer.__name__]
    assert len(lines) == 2  # one for each connection
    for line in lines:
        assert line.startswith(f"no relayed address from {nobody.urls}: it cannot be reached (")
        assert line.endswith("Clients that need a relay cannot connect to this server")
    assert "mellon-9f2c" not in caplog.text
