"""The code of a worker process: the complete server of one process, on a socket that only the front can reach."""

import asyncio
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from ser_track.bot import Bot
from ser_track.config.schema import Config
from ser_track.errors import SerTrackError
from ser_track.meetings.session import Session
from ser_track.web.app import make_app
from ser_track.web.keys import BOT
from ser_track.web.listening import listener_at, new_runner
from ser_track.workers.heartbeat import REPORT, Heartbeat

log = logging.getLogger(__name__)
_LAST_WORDS_S = 10.0
"""The time for goodbyes of a worker that has lost its front; after that it is ended even if it hangs."""


def run_worker(number: int, config: Config, path: str, news: "Connection[Any, Any]") -> None:
    """Serve on the Unix socket ``path`` until SIGTERM, or until the front is gone.

    Sends ``None`` on ``news`` when it is ready, or the reason if it cannot start; once more when it is about to end.
    """
    # Ctrl-C reaches every process of the terminal; the front handles it, and then signals its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        app = make_app(Bot(config))
    except SerTrackError as error:
        news.send(str(error))
        sys.exit(2)
    app.router.add_get(REPORT, _report)
    # As in a single process: modules and models stay until the end.
    gc.freeze()
    asyncio.run(_serve(app, path, news))
    if (front := multiprocessing.parent_process()) is not None and not front.is_alive():
        # No other process is left to clean up.
        shutil.rmtree(Path(path).parent, ignore_errors=True)


async def _serve(app: web.Application, path: str, news: "Connection[Any, Any]") -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=_end_with_the_front, args=(loop, stop), name="ser-front", daemon=True).start()
    runner = new_runner(app)
    await runner.setup()
    try:
        await web.SockSite(runner, listener_at(app, path)).start()
        news.send(None)
        await stop.wait()
        with suppress(OSError):  # the front has ended
            news.send(None)
    finally:
        await runner.cleanup()


def _end_with_the_front(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    front = multiprocessing.parent_process()
    if front is None:
        return
    front.join()  # a pipe of multiprocessing, which breaks however the front ends
    log.error("the front process is gone; ending")
    with suppress(RuntimeError):  # the loop is closed: the worker is ending anyway
        loop.call_soon_threadsafe(stop.set)
    time.sleep(_LAST_WORDS_S)
    os._exit(1)


async def _report(request: web.Request) -> web.Response:
    bot = request.app[BOT]
    # The front itself counts meetings that are being joined: it waits for the answers.
    joined = [session for session in bot.meetings.present if session.state != "joining"]
    report = Heartbeat(
        rooms={_place(session): _people(session) for session in joined if session.adapter.kind == "rooms"},
        meetings={_place(session): _people(session) for session in joined if session.adapter.kind != "rooms"},
        meeting_ids=[session.id for session in bot.meetings],
        engine_alive=bot.live.alive,
    )
    return web.json_response(asdict(report))


def _place(session: Session) -> str:
    """The place's name at the front: its own for a meeting that people or bridges come to; otherwise the id."""
    if session.adapter.requested:
        return session.id
    name: str = session.target.name if session.adapter.kind == "rooms" else session.where
    return name


def _people(session: Session) -> int:
    return len(session.roster.people)
