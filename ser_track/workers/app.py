"""The front's application: it serves the pages itself, and meetings through the workers."""

import socket
from collections.abc import AsyncIterator, Iterator

from aiohttp import web
from aiohttp.web_routedef import AbstractRouteDef

from ser_track.config.schema import Config
from ser_track.errors import ConfigError
from ser_track.web.adapter_routes import guarded_paths, modules_with_routes
from ser_track.web.descriptors import DESCRIPTORS, Descriptors, essential_first, health_word
from ser_track.web.guard import only_invited
from ser_track.web.keys import CONFIG, GUARDED_PATHS, SOCKETS
from ser_track.web.outbox import close_sockets
from ser_track.web.refusals import errors_as_json, refusal
from ser_track.web.requests import preflight
from ser_track.web.routes.api import document_routes
from ser_track.web.routes.notice import get_purpose
from ser_track.web.static_files import STATIC, room_page
from ser_track.workers.meetings import get_meetings, one_meeting, post_meeting
from ser_track.workers.process import RunWorker
from ser_track.workers.proxy import metrics, post_offer
from ser_track.workers.routing import WORKERS
from ser_track.workers.sockets import websocket
from ser_track.workers.streams import events, passing_on
from ser_track.workers.supervisor import Supervisor


def make_front(config: Config, run_worker: RunWorker) -> web.Application:
    """The server with ``config.server.workers`` processes behind it, as an aiohttp application.

    It has the same guard as the workers: unauthorized clients get the same answers from one process and from many, and
    never reach a worker or occupy a room. Each worker process runs ``run_worker``.

    Raises:
        ConfigError: this platform has no Unix sockets.
    """
    if not hasattr(socket, "AF_UNIX"):
        problem = f"server.workers is {config.server.workers}, but workers need Unix sockets, which this platform lacks"
        raise ConfigError("server", [f"{problem}; set it to 1"])
    middlewares = errors_as_json, essential_first, only_invited
    app = web.Application(middlewares=middlewares, client_max_size=config.server.max_request_bytes)
    app[CONFIG], app[SOCKETS], app[WORKERS] = config, set(), Supervisor(config, run_worker)
    app[GUARDED_PATHS], app[DESCRIPTORS] = guarded_paths(), Descriptors()
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_say_goodbye)
    app.add_routes(
        [
            web.get("/", room_page),
            web.get("/ws", websocket),
            web.post("/offer", post_offer),
            web.options("/offer", preflight),
            web.get("/healthz", _health),
            web.get("/metrics", metrics),
            web.get("/notice", get_purpose),
            web.static("/static", STATIC),
            *_MEETINGS,
            *document_routes(),
            *_routes_of_adapters(),
        ]
    )
    return app


_MEETINGS = (
    web.options("/meetings", preflight),
    web.options("/meetings/{meeting}", preflight),
    web.get("/meetings", get_meetings),
    web.post("/meetings", post_meeting),
    web.get("/meetings/{meeting}", one_meeting),
    web.delete("/meetings/{meeting}", one_meeting),
    web.get("/meetings/{meeting}/events", events, allow_head=False),
    web.get("/meetings/{meeting}/notice", one_meeting),
    web.get("/meetings/{meeting}/notice/participants", one_meeting),
    web.post("/meetings/{meeting}/notice/answer", one_meeting),
)


def _routes_of_adapters() -> Iterator[AbstractRouteDef]:
    """The front handles those of rooms itself; for any other kind, the target decides which worker gets a request."""
    for adapter, module in modules_with_routes():
        if adapter.kind != "rooms":
            for route in module.ROUTES:
                yield web.route(route.method, route.path, passing_on(module.target_of), **route.kwargs)


async def _running(app: web.Application) -> AsyncIterator[None]:
    try:
        await app[WORKERS].start()
        yield
    finally:
        await app[WORKERS].stop()
        app[DESCRIPTORS].close()


async def _say_goodbye(app: web.Application) -> None:
    # Workers first: they say goodbye to their pages through the front, and deliver their last results.
    await app[WORKERS].stop()
    await close_sockets(app)


async def _health(request: web.Request) -> web.Response:
    """Totals of the latest reports, at most about a second old, and the state of each worker."""
    workers = request.app[WORKERS]
    states = workers.states()
    if not workers.placement.workers:
        return refusal(503, "no_workers", "no worker process is running; all are restarting; see the log for the cause")
    stuck = [worker for worker in workers.placement.workers if states[worker.number] == "hanging"]
    rooms, meetings = workers.placement.rooms, workers.placement.meetings
    if cut_off := sum(len(rooms.on(worker)) + len(meetings.on(worker)) for worker in stuck):
        names = ", ".join(str(worker.number) for worker in stuck)
        message = f"{cut_off} rooms and meetings wait for worker {names}, which does not answer"
        return refusal(503, "worker_hanging", message)
    totals = {"rooms": len(rooms), "participants": rooms.people}
    return web.json_response(
        {"status": health_word(request), **totals, "workers": {str(n): state for n, state in states.items()}}
    )
