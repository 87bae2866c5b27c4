"""Typed keys of the objects that are stored on the application, in place of globals."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.meetings.rate_limits import Allowance
from ser_track.meetings.session import Session

CONFIG = web.AppKey("config", Config)
BOT = web.AppKey("bot", Bot)
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
READERS = web.AppKey("readers", set[asyncio.Task[Any]])
"""Programs that are reading events of meetings."""
GUARDED_PATHS = web.AppKey("guarded_paths", frozenset[str])
"""Paths of kinds of meetings with the same access rules as `/meetings`."""
ANSWERS = web.AppKey("answers", WeakKeyDictionary[Session, dict[tuple[str, str], Allowance]])
"""For each meeting, the rate limits of agreements over its link, by address and participant."""
