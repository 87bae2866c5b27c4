"""Conferences whose bridges send us their audio as MediaJson over a WebSocket: Jitsi's media export, and its like."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.mediajson.conference import Conference, ConferenceTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="mediajson",
    summary="a conference whose bridge sends MediaJson",
    target=ConferenceTarget,
    make=Conference,
    capabilities=Capabilities(results="messages", refusal="link"),
    routes="ser_track.meetings.adapters.mediajson.bridge_socket",
)
