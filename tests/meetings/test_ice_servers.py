"""The configured STUN and TURN servers reach our own peer connections, credentials included."""

from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCIceServer

from ser_track.config.schema import IceServer, RuntimeConfig
from ser_track.meetings import analysis_peer
from ser_track.meetings.analysis_peer import AnalysisPeer


@pytest.mark.parametrize(
    ("configured", "given"),
    [
        ((), []),
        ((IceServer("stun:stun.example"),), [RTCIceServer("stun:stun.example")]),
        (
            (IceServer("stun:stun.example"), IceServer("turn:relay.example", "u", "secret")),
            [RTCIceServer("stun:stun.example"), RTCIceServer("turn:relay.example", "u", "secret")],
        ),
    ],
)
def test_ice_servers_reach_aiortc(
    monkeypatch: pytest.MonkeyPatch, configured: tuple[IceServer, ...], given: list[RTCIceServer]
) -> None:
    used: list[RTCConfiguration] = []

    class Connection:
        def __init__(self, configuration: RTCConfiguration) -> None:
            used.append(configuration)

        def on(self, *_: Any) -> None:
            """Nothing happens on it."""

    monkeypatch.setattr(analysis_peer, "RTCPeerConnection", Connection)
    unused: Any = None
    AnalysisPeer(RuntimeConfig(ice_servers=configured), metrics=unused, owner=unused, audio=unused)
    assert [configuration.iceServers for configuration in used] == [given]
