"""Rooms of this server: browsers meet in them, and the bot is one more participant."""

from typing import Final

from ser_track.meetings.adapter import Adapter
from ser_track.meetings.adapters.rooms.room import Room, RoomTarget
from ser_track.meetings.meeting import Capabilities

ADAPTER: Final = Adapter(
    kind="rooms",
    summary="a room of this server",
    target=RoomTarget,
    make=Room,
    capabilities=Capabilities(results="data_channel", refusal="meeting", personal_links=True, needs_link=False),
    routes="ser_track.meetings.adapters.rooms.routes",
    limit="rooms.max_rooms",
    people_limit="rooms.max_participants",
)
