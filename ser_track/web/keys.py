"""What hangs on the application: typed keys, no globals."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from ser_track.config.schema import Config
from ser_track.live.live_engine import LiveEngine
from ser_track.live.metrics import Metrics
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.meetings.session import Session
from ser_track.meetings.sessions import Sessions
from ser_track.web.rate_limits import Allowance

CONFIG = web.AppKey("config", Config)
METRICS = web.AppKey("metrics", Metrics)
ROOMS = web.AppKey("rooms", Rooms)
SESSIONS = web.AppKey("sessions", Sessions)
LIVE = web.AppKey("live", LiveEngine)
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
READERS = web.AppKey("readers", set[asyncio.Task[Any]])
"""Programs that read events of meetings."""
ANSWERS = web.AppKey("answers", WeakKeyDictionary[Session, Allowance])
"""How many answers may come over the link of each notice."""
