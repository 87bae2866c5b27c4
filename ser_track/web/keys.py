"""What hangs on the application: typed keys, no globals."""

from aiohttp import web

from ser_track.config import Config
from ser_track.meetings.rooms.rooms import Rooms
from ser_track.runtime.live_engine import LiveEngine
from ser_track.runtime.metrics import Metrics

CONFIG = web.AppKey("config", Config)
METRICS = web.AppKey("metrics", Metrics)
ROOMS = web.AppKey("rooms", Rooms)
LIVE = web.AppKey("live", LiveEngine)
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
