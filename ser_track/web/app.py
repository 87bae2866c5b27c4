"""The HTTP service, one way to use a `Bot`: everything that lives as long as the server, and all routes."""

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from aiohttp import web

from ser_track.bot import Bot
from ser_track.web.adapter_routes import guarded_paths, modules_with_routes
from ser_track.web.descriptors import DESCRIPTORS, Descriptors, essential_first, health_word
from ser_track.web.guard import only_invited
from ser_track.web.keys import ANSWERS, BOT, CONFIG, GUARDED_PATHS, READERS, SOCKETS
from ser_track.web.outbox import close_sockets
from ser_track.web.refusals import errors_as_json, refusal
from ser_track.web.requests import preflight
from ser_track.web.routes.api import document_routes
from ser_track.web.routes.events import close_readers, get_events
from ser_track.web.routes.meetings import delete_meeting, get_meeting, get_meetings, post_meeting
from ser_track.web.routes.notice import get_notice, get_people, get_purpose, post_answer
from ser_track.web.static_files import STATIC, room_page


def make_app(bot: Bot) -> web.Application:
    """The server as an aiohttp application; ``bot`` starts and stops with it."""
    app = _new_app(bot)
    app.add_routes(
        [
            web.get("/", room_page),
            web.get("/healthz", _health),
            web.get("/metrics", _metrics),
            web.get("/notice", get_purpose),
            *_MEETINGS,
            *document_routes(),
            *(route for _, module in modules_with_routes() for route in module.ROUTES),
        ]
    )
    return app


def make_notice_app(bot: Bot) -> web.Application:
    """The page behind the notice's link, and nothing else: people elsewhere can answer there, and open no rooms."""
    return _new_app(bot)


def _new_app(bot: Bot) -> web.Application:
    config = bot.config
    middlewares = errors_as_json, essential_first, only_invited
    app = web.Application(middlewares=middlewares, client_max_size=config.server.max_request_bytes)
    app[BOT], app[CONFIG], app[GUARDED_PATHS] = bot, config, guarded_paths()
    app[SOCKETS], app[READERS], app[ANSWERS] = set(), set(), WeakKeyDictionary()
    app[DESCRIPTORS] = Descriptors()
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_say_goodbye)
    app.add_routes([web.static("/static", STATIC), *_NOTICE])
    return app


_NOTICE = (
    web.get("/meetings/{meeting}/notice", get_notice),
    web.get("/meetings/{meeting}/notice/participants", get_people),
    web.post("/meetings/{meeting}/notice/answer", post_answer),
)
_MEETINGS = (
    web.get("/meetings", get_meetings),
    web.post("/meetings", post_meeting),
    web.options("/meetings", preflight),
    web.get("/meetings/{meeting}", get_meeting),
    web.delete("/meetings/{meeting}", delete_meeting),
    web.options("/meetings/{meeting}", preflight),
    web.get("/meetings/{meeting}/events", get_events, allow_head=False),
)


async def _running(app: web.Application) -> AsyncIterator[None]:
    async with app[BOT]:
        yield
    app[DESCRIPTORS].close()


async def _say_goodbye(app: web.Application) -> None:
    # Meetings first, while everything still runs: goodbyes, last results and ends of streams depend on it.
    await app[BOT].meetings.leave_all()
    await asyncio.gather(close_readers(app), close_sockets(app))


async def _health(request: web.Request) -> web.Response:
    bot = request.app[BOT]
    if not bot.live.alive:
        return refusal(503, "engine_stopped", "the engine's thread is not running; restart the server")
    rooms = [session for session in bot.meetings.present if session.adapter.kind == "rooms"]
    people = sum(len(session.roster.people) for session in bot.meetings.present)
    return web.json_response({"status": health_word(request), "rooms": len(rooms), "participants": people})


async def _metrics(request: web.Request) -> web.Response:
    headers = {"Content-Type": "text/plain; version=0.0.4"}
    return web.Response(body=request.app[BOT].metrics.text(), headers=headers)
