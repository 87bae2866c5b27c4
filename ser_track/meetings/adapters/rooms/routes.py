"""The paths of rooms: `/ws` for pages, `/offer` for the analysis connection of pages and programs."""

import json
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ser_track.meetings.adapters.rooms.offer import post_offer
from ser_track.meetings.adapters.rooms.signalling import websocket
from ser_track.web.requests import preflight

GUARDED: Final = False  # anyone with the token, if there is one, may use rooms; `/ws` itself reports a refusal to pages
OPENAPI: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
ROUTES: Final = (
    web.get("/ws", websocket),
    web.post("/offer", post_offer),
    web.options("/offer", preflight),
)
