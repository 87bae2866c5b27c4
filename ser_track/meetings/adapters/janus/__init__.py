"""Janus VideoRoom: joined over Janus's WebSocket API, with a receive-only connection for each publisher."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.janus.room import JanusRoom
from ser_track.meetings.adapters.janus.target import JanusTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="janus",
    summary="a room of Janus's VideoRoom plugin",
    target=JanusTarget,
    make=JanusRoom,
    capabilities=Capabilities(results="data_channel", refusal="meeting"),
    schemes={"janus": "ws", "janus+ws": "ws", "januss": "wss", "janus+wss": "wss"},
)
