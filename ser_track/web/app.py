"""The application: what lives as long as the server does, and which path goes where."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from aiohttp import web

from ser_track.config import Config
from ser_track.core.engine import Engine
from ser_track.meetings.rooms.rooms import Rooms
from ser_track.meetings.sessions import Sessions
from ser_track.models import load_models
from ser_track.runtime.live_engine import LiveEngine
from ser_track.runtime.metrics import Metrics
from ser_track.runtime.stages import Stages, TimedClassifier, TimedDetector
from ser_track.types import EngineEvent
from ser_track.web.events import close_readers, get_events
from ser_track.web.files import STATIC
from ser_track.web.guard import errors_as_json, only_invited, refusal
from ser_track.web.keys import ANSWERS, CONFIG, LIVE, METRICS, READERS, ROOMS, SESSIONS, SOCKETS
from ser_track.web.mediajson import mediajson
from ser_track.web.meetings import delete_meeting, get_meeting, get_meetings, post_meeting
from ser_track.web.notice import get_notice, get_people, post_answer
from ser_track.web.offer import post_offer, preflight
from ser_track.web.signalling import close_sockets, websocket


def make_app(config: Config) -> web.Application:
    """The server as an aiohttp application.

    Raises:
        ModelError: a model file is missing or does not fit.
    """
    app = web.Application(middlewares=[errors_as_json, only_invited], client_max_size=config.server.max_request_bytes)
    app[CONFIG], app[METRICS] = config, Metrics()
    app[ROOMS], app[SOCKETS] = Rooms(config, app[METRICS]), set()
    app[SESSIONS], app[READERS], app[ANSWERS] = Sessions(config, app[METRICS]), set(), WeakKeyDictionary()
    models = load_models(config.pipeline)
    stages = Stages()
    detector, classifier = TimedDetector(models.detector, stages), TimedClassifier(models.classifier, stages)
    engine = Engine(detector, classifier, config.pipeline)

    def deliver(events: list[EngineEvent]) -> None:
        app[ROOMS].deliver(events)
        app[SESSIONS].deliver(events)

    app[LIVE] = app[ROOMS].live = app[SESSIONS].live = LiveEngine(engine, config.runtime, deliver, app[METRICS], stages)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_say_goodbye)
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/ws", websocket),
            web.post("/offer", post_offer),
            web.options("/offer", preflight),
            web.get("/healthz", _health),
            web.get("/metrics", _metrics),
            web.static("/static", STATIC),
            *_MEETINGS,
        ]
    )
    return app


_MEETINGS = (
    web.get("/meetings", get_meetings),
    web.post("/meetings", post_meeting),
    web.options("/meetings", preflight),
    web.get("/meetings/{meeting}", get_meeting),
    web.delete("/meetings/{meeting}", delete_meeting),
    web.options("/meetings/{meeting}", preflight),
    web.get("/meetings/{meeting}/events", get_events, allow_head=False),
    web.get("/meetings/{meeting}/notice", get_notice),
    web.get("/meetings/{meeting}/notice/participants", get_people),
    web.post("/meetings/{meeting}/notice/answer", post_answer),
    web.get("/mediajson", mediajson, allow_head=False),
)


async def _running(app: web.Application) -> AsyncIterator[None]:
    app[LIVE].start()
    await app[SESSIONS].start()
    watches = asyncio.gather(app[ROOMS].watch(), app[SESSIONS].watch())
    yield
    watches.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watches
    await app[ROOMS].close()
    await app[SESSIONS].close()
    await app[LIVE].stop()


async def _say_goodbye(app: web.Application) -> None:
    # Meetings first, while everything still runs: goodbyes, last results and the ends of streams go out on it.
    await app[SESSIONS].leave_all()
    await asyncio.gather(close_readers(app), close_sockets(app))


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "room" / "index.html")


async def _health(request: web.Request) -> web.Response:
    if not request.app[LIVE].alive:
        return refusal(503, "engine_stopped", "the engine's thread is not running; restart the server")
    people = sum(1 for _ in request.app[ROOMS].people())
    return web.json_response({"status": "ok", "rooms": len(request.app[ROOMS]), "participants": people})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4"})
