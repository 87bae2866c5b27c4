"""The real front, in this process, with real worker processes behind it."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, TCPConnector, web
from blockbuster import blockbuster_ctx

from ser_track.config.schema import Config
from ser_track.workers import process
from ser_track.workers import supervisor as workers_module
from ser_track.workers.app import make_front
from ser_track.workers.process import WorkerProcess
from ser_track.workers.routing import WORKERS
from ser_track.workers.supervisor import Supervisor
from ser_track.workers.worker import run_worker
from tests.helpers.room_page import SOON_S as SOON_S
from tests.helpers.room_page import Page as Page
from tests.test_server import serve as serve  # a fixture, passed on: `server.py` as people start it


@pytest.fixture
def config() -> Config:
    """Two workers, and more people from one address than there are by default: all come from this machine.

    A test module or class overrides this fixture to change more.
    """
    base = Config()
    rooms = replace(base.rooms, max_unconnected=1_000)
    return replace(base, server=replace(base.server, workers=2), rooms=rooms)


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers come from a process that has imported all they need; test_supervisor starts them as the program does."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ser_track.workers.worker"])
    monkeypatch.setattr(process, "_SPAWN", context)


@pytest.fixture(autouse=True)
def _no_blocking() -> Iterator[None]:
    """A blocking call of ours on the event loop fails the test."""
    with blockbuster_ctx("ser_track") as watched:
        watched.functions["threading.Lock.acquire"].can_block_in("aiortc/rtcrtpreceiver.py", "__stop_decoder")
        yield


@dataclass
class Front:
    """A front under test, its workers, and a client session to it."""

    url: str
    app: web.Application
    http: ClientSession
    _stack: AsyncExitStack

    @property
    def workers(self) -> Supervisor:
        return self.app[WORKERS]

    async def page(self, room: str, name: str = "Ann", consent: bool = True, query: str = "", **how: Any) -> Page:
        """A page that has tried to join; it hangs up at the end of the test."""
        socket = await self._stack.enter_async_context(self.http.ws_connect(f"{self.url}/ws{query}", **how))
        await socket.send_json({"type": "join", "room": room, "name": name, "consent": consent})
        page = Page(self.http, self.url, socket, await socket.receive_json(timeout=SOON_S))
        self._stack.push_async_callback(page.hang_up)
        return page

    def worker_of(self, room: str) -> WorkerProcess:
        return next(worker for worker in self.workers.placement.workers if room in self.rooms_of(worker))

    def rooms_of(self, worker: WorkerProcess) -> list[str]:
        return self.workers.placement.rooms.on(worker)

    async def health(self) -> tuple[int, dict[str, Any]]:
        async with self.http.get(f"{self.url}/healthz") as response:
            return response.status, await response.json()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once ``condition`` holds, which is looked at after each report of the workers."""
        async with asyncio.timeout(SOON_S):
            while not condition():
                await asyncio.wait_for(self._reported(), SOON_S)

    async def _reported(self) -> None:
        await self.workers.refresh()
        await asyncio.sleep(0.02)


OpenFront = Callable[[Config], Awaitable[Front]]


@pytest_asyncio.fixture
async def open_front(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenFront]:
    """Starts fronts as `server.py` does, but on free ports; all of them stop at the end."""
    monkeypatch.setattr(workers_module, "POLL_S", 0.2)
    async with AsyncExitStack() as stack:

        async def start(config: Config) -> Front:
            # The command line makes it before there is a loop.
            app = await asyncio.to_thread(make_front, config, run_worker)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            http = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
            people = await stack.enter_async_context(AsyncExitStack())
            port = runner.addresses[0][1]
            return Front(f"http://127.0.0.1:{port}", app, http, people)

        yield start


@pytest_asyncio.fixture
async def front(open_front: OpenFront, config: Config) -> Front:
    return await open_front(config)
