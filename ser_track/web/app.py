"""The application: what lives as long as the server does, and which path goes where."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from ser_track.config import Config
from ser_track.core.engine import Engine
from ser_track.meetings.rooms.rooms import Rooms
from ser_track.models import load_models
from ser_track.runtime.live_engine import LiveEngine
from ser_track.runtime.metrics import Metrics
from ser_track.runtime.stages import Stages, TimedClassifier, TimedDetector
from ser_track.web.guard import errors_as_json, only_invited, refusal
from ser_track.web.keys import CONFIG, LIVE, METRICS, ROOMS, SOCKETS
from ser_track.web.offer import post_offer, preflight
from ser_track.web.signalling import close_sockets, websocket

_PACKAGE = Path(__file__).resolve().parents[1]
# The page's files: inside the installed package, or beside it in a checkout.
STATIC = next(folder for folder in (_PACKAGE / "static", _PACKAGE.parent / "static") if folder.is_dir())


def make_app(config: Config) -> web.Application:
    """The server as an aiohttp application.

    Raises:
        ModelError: a model file is missing or does not fit.
    """
    app = web.Application(middlewares=[errors_as_json, only_invited], client_max_size=config.server.max_request_bytes)
    app[CONFIG], app[METRICS] = config, Metrics()
    app[ROOMS], app[SOCKETS] = Rooms(config, app[METRICS]), set()
    models = load_models(config.pipeline)
    stages = Stages()
    detector, classifier = TimedDetector(models.detector, stages), TimedClassifier(models.classifier, stages)
    engine = Engine(detector, classifier, config.pipeline)
    app[LIVE] = app[ROOMS].live = LiveEngine(engine, config.runtime, app[ROOMS].deliver, app[METRICS], stages)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(close_sockets)
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/ws", websocket),
            web.post("/offer", post_offer),
            web.options("/offer", preflight),
            web.get("/healthz", _health),
            web.get("/metrics", _metrics),
            web.static("/static", STATIC),
        ]
    )
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    app[LIVE].start()
    watch = asyncio.create_task(app[ROOMS].watch())
    yield
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    await app[ROOMS].close()
    await app[LIVE].stop()


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _health(request: web.Request) -> web.Response:
    if not request.app[LIVE].alive:
        return refusal(503, "engine_stopped", "the engine's thread is not running; restart the server")
    people = sum(1 for _ in request.app[ROOMS].people())
    return web.json_response({"status": "ok", "rooms": len(request.app[ROOMS]), "participants": people})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4"})
