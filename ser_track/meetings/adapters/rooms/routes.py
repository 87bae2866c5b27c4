"""The paths of rooms: `/ws` for pages, `/offer` for the analysis connection of pages and programs."""

from typing import Final

from aiohttp import web

from ser_track.meetings.adapters.rooms.offer import post_offer
from ser_track.meetings.adapters.rooms.signalling import websocket
from ser_track.web.requests import preflight

ROUTES: Final = (
    web.get("/ws", websocket),
    web.post("/offer", post_offer),
    web.options("/offer", preflight),
)
