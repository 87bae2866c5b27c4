"""The path of bridges."""

from typing import Final

from aiohttp import web

from ser_track.meetings.adapters.mediajson.bridge_socket import mediajson, target_of

__all__ = ["ROUTES", "target_of"]
ROUTES: Final = (web.get("/mediajson", mediajson, allow_head=False),)
