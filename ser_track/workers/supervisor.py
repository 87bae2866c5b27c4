"""Manages the worker processes: starts them, checks them once a second, restarts them, stops them."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from ser_track.config.schema import Config
from ser_track.errors import SerTrackError, WorkerError
from ser_track.meetings.rate_limits import Allowance
from ser_track.shortages import shortage_behind
from ser_track.workers.placement import Placement
from ser_track.workers.process import RunWorker, WorkerProcess, socket_folder
from ser_track.workers.restart_delay import RestartDelay

log = logging.getLogger(__name__)
POLL_S = 1.0
MISSES = 3
"""The limit of missing reports in a row. It counts reports, not time, so that a suspended machine does no harm."""
_SEARCHES_PER_S = 5


class Supervisor:
    """Keeps as many worker processes running as configured, even if some of them fail."""

    def __init__(self, config: Config, run_worker: RunWorker) -> None:
        """Each worker process runs ``run_worker``."""
        self.placement: Placement[WorkerProcess] = Placement(config.rooms.max_rooms, config.meetings.max_meetings)
        self.searches = Allowance(_SEARCHES_PER_S, 20)
        """How often all workers may be asked for an unknown meeting, because strangers can guess at links."""
        self.stopping = asyncio.Event()
        self.processes: dict[int, WorkerProcess] = {}
        """By number, from 1; includes workers that are still starting."""
        self.registry = CollectorRegistry()
        self._config = config
        self._run_worker = run_worker
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._paths: Iterator[Path] = iter(())
        self._tasks: list[asyncio.Task[None]] = []
        self._dismissals: set[asyncio.Task[None]] = set()
        self._asking = asyncio.Lock()
        self._asked_at = 0.0
        alive = Gauge("ser_track_workers_alive", "Worker processes that accept rooms", registry=self.registry)
        alive.set_function(lambda: len(self.placement.workers))
        self._restarts = Counter("ser_track_worker_restarts", "Restarts", ["worker"], registry=self.registry)

    async def start(self) -> None:
        """Start all workers; returns when they are ready.

        Raises:
            ConfigError: there is no usable folder for their sockets.
            ModelError: they cannot load their models.
            WorkerError: one of them ended, or was not ready in time.
        """
        self._folder = await asyncio.to_thread(socket_folder)
        self._paths = map(Path(self._folder.name).joinpath, (f"{number}.sock" for number in count(1)))
        loop, numbers = asyncio.get_running_loop(), range(1, self._config.server.workers + 1)
        first: dict[int, asyncio.Future[SerTrackError | None]] = {number: loop.create_future() for number in numbers}
        for number in numbers:
            self._restarts.labels(worker=str(number))
        self._tasks = [asyncio.create_task(self._keep(number, first[number])) for number in numbers]
        for problem in await asyncio.gather(*first.values()):
            if problem is not None:
                raise problem
        self._tasks.append(asyncio.create_task(self._watch()))
        log.info("%d workers are ready", len(numbers))

    async def stop(self) -> None:
        """Let all workers say goodbye; returns when they have ended."""
        self.stopping.set()
        await asyncio.gather(*(worker.stop() for worker in self.processes.values()))
        await asyncio.gather(*self._tasks, *self._dismissals)
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    def dismiss(self, worker: WorkerProcess) -> None:
        """``worker`` says goodbye: its places may begin elsewhere at once, and it must end soon."""
        if worker in self.placement.workers and not self.stopping.is_set():
            self._ended(worker)
            task = asyncio.create_task(worker.stop())
            self._dismissals.add(task)
            task.add_done_callback(self._dismissals.discard)

    async def refresh(self, watching: bool = False) -> None:
        """Ask every worker for a report that is not older than this call; ``watching`` also counts missing reports."""
        wanted_at = time.monotonic()
        async with self._asking:
            if watching or self._asked_at < wanted_at:  # otherwise another caller has just asked
                self._asked_at = time.monotonic()
                await asyncio.gather(
                    *(self._ask(worker, self._asked_at, watching) for worker in self.placement.workers)
                )

    def states(self) -> dict[int, str]:
        """The state of each worker: ``ok``, ``hanging`` or ``restarting``."""
        return {number: self._state(number) for number in range(1, self._config.server.workers + 1)}

    def _state(self, number: int) -> str:
        worker = self.processes.get(number)
        if worker is None or worker not in self.placement.workers:
            return "restarting"
        return "hanging" if worker.missed > 1 else "ok"

    async def _keep(self, number: int, first: "asyncio.Future[SerTrackError | None]") -> None:
        """Keep worker ``number`` running until `stop`; ``first`` gets the result of the first start."""
        backoff = RestartDelay()
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                problem = await self._live(number, first)
            except Exception as error:  # without this, the worker would never be started again
                log.exception("the supervision of worker %d failed", number)
                problem = repr(error)
                if not first.done():  # `start` waits for it
                    first.set_result(WorkerError(f"worker {number} cannot be started ({error!r})"))
            if first.result() is not None or self.stopping.is_set():
                return
            wait_s = backoff.wait_s(time.monotonic() - begun)
            log.error("worker %d: %s; it is started again in %.1f s", number, problem, wait_s)
            self._restarts.labels(worker=str(number)).inc()
            await self._pause(wait_s)

    async def _live(self, number: int, first: "asyncio.Future[SerTrackError | None]") -> str:
        """Run worker ``number`` once, from its start to its end; returns how it ended."""
        path = next(self._paths)
        worker = WorkerProcess(number, self._config, path, self._run_worker, self.dismiss, self._ended)
        self.processes[number] = worker
        problem: SerTrackError | None = None
        try:
            await worker.start()
            if not worker.ended.is_set():
                self.placement.add(worker)
        except SerTrackError as error:
            problem = error
        if not first.done():
            first.set_result(problem)
        if problem is None:
            await worker.ended.wait()
        del self.processes[number]
        code = await worker.dispose()
        return str(problem or f"ended with exit code {code}")

    def _ended(self, worker: WorkerProcess) -> None:
        if (rooms := self.placement.rooms.on(worker)) and not self.stopping.is_set():
            log.error("worker %d ended with %d rooms; join again to get another worker", worker.number, len(rooms))
        if (meetings := self.placement.meetings.on(worker)) and not self.stopping.is_set():
            log.error("worker %d ended with %d meetings: %s", worker.number, len(meetings), ", ".join(meetings))
        self.placement.remove(worker)

    async def _watch(self) -> None:
        while not self.stopping.is_set():
            await self.refresh(watching=True)
            await self._pause(POLL_S)

    async def _ask(self, worker: WorkerProcess, asked_at: float, watching: bool) -> None:
        try:
            report = await worker.ask()
        except WorkerError as error:
            if shortage_behind(error) is not None:  # we cannot ask: that says nothing about the worker
                log.error("worker %d cannot be asked for its report (%s)", worker.number, error)
                return
            worker.missed += watching
            self.placement.avoided.add(worker)
            if worker.missed >= MISSES and not self.stopping.is_set():
                log.error("%s; it is killed", error)
                worker.kill()
            return
        worker.missed = 0
        self.placement.avoided.discard(worker)
        self.placement.reported(worker, report, asked_at)
        if not report.engine_alive and not self.stopping.is_set():
            log.error("the engine of worker %d has stopped; it is killed", worker.number)
            worker.kill()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
