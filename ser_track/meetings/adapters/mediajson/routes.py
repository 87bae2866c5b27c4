"""The path for bridges."""

import json
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ser_track.meetings.adapters.mediajson.bridge_socket import mediajson, target_of

__all__ = ["ASYNCAPI", "ROUTES", "target_of"]
ASYNCAPI: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("asyncapi.json").read_text(encoding="utf-8"))
ROUTES: Final = (web.get("/mediajson", mediajson, allow_head=False),)
