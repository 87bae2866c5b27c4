"""What hangs on the application: typed keys, no globals."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.meetings.session import Session
from ser_track.web.rate_limits import Allowance

CONFIG = web.AppKey("config", Config)
BOT = web.AppKey("bot", Bot)
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
READERS = web.AppKey("readers", set[asyncio.Task[Any]])
"""Programs that read events of meetings."""
GUARDED_PATHS = web.AppKey("guarded_paths", frozenset[str])
"""Those of kinds of meetings that need what `/meetings` needs."""
ANSWERS = web.AppKey("answers", WeakKeyDictionary[Session, Allowance])
"""How many answers may come over the link of each notice."""
