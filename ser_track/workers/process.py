"""One worker process as the front sees it, from its start to its end. It is started once."""

import asyncio
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, UnixConnector
from yarl import URL

from ser_track.config.schema import Config
from ser_track.errors import ConfigError, ModelError, WorkerError
from ser_track.workers.heartbeat import REPORT, Heartbeat

log = logging.getLogger(__name__)
START_S = 60.0
"""The time for imports and models, on a busy machine."""
STOP_S = 10.0
"""The time for goodbyes; a worker that has not ended by then is killed."""
ASK_S = 2.0
# Not fork: it would copy this process's locks, but not the threads that release them.
_SPAWN = multiprocessing.get_context("spawn")
_ONE_AT_A_TIME = threading.Lock()
"""Starting a process also reaps ended ones, and multiprocessing fails if two threads reap the same one."""
_MAX_PATH = 100
"""Bytes; a Unix socket address holds 103 on macOS, and 107 on Linux."""
RunWorker = Callable[[int, Config, str, "Connection[Any, Any]"], None]
"""The code that the process runs (`ser_track.workers.worker.run_worker`): a function that it can import."""


def socket_folder() -> "tempfile.TemporaryDirectory[str]":
    """A new folder that only this user can access.

    Raises:
        ConfigError: it cannot be created, or its path is too long for sockets.
    """
    try:
        # Also removed if a second signal interrupts the shutdown.
        folder = tempfile.TemporaryDirectory(prefix="ser-track-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigError(
            "server", [f"server.workers needs a temporary folder ({error}); set TMPDIR to one"]
        ) from error
    if len(os.fsencode(folder.name)) + len("/1000000.sock") > _MAX_PATH:
        folder.cleanup()
        problem = f"server.workers needs Unix sockets, and the path {folder.name} is too long for one"
        raise ConfigError("server", [f"{problem}; set TMPDIR to a shorter one"])
    return folder


class WorkerProcess:
    """A worker process. Call `start` once, and `dispose` in any case."""

    def __init__(
        self,
        number: int,
        config: Config,
        path: Path,
        run_worker: RunWorker,
        on_goodbye: Callable[["WorkerProcess"], None],
        on_end: Callable[["WorkerProcess"], None],
    ) -> None:
        """``path`` is the Unix socket to listen on; the process runs ``run_worker``.

        Both callbacks run on the event loop: ``on_goodbye`` as soon as the worker accepts nothing new, whether we
        asked it to end or not; ``on_end`` as soon as it has ended.
        """
        self.number = number
        self.pid: int | None = None
        """Its process id; ``None`` before the start."""
        self.ended = asyncio.Event()
        self.missed = 0
        """Reports in a row that are missing."""
        self.http = ClientSession(
            connector=UnixConnector(str(path), limit=0),  # each page keeps one connection while it stays
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),  # requests end with the worker, and a hanging worker is killed
        )
        self._path = path
        self._on_goodbye = on_goodbye
        self._on_end = on_end
        self._stopping = False
        self._listening = False
        self._news, self._their_end = _SPAWN.Pipe(duplex=False)
        arguments = (number, config, str(path), self._their_end)
        self._process = _SPAWN.Process(target=run_worker, args=arguments, name=f"worker {number}", daemon=True)

    def url(self, path: str, query: str = "") -> URL:
        """The URL for requests with `http`; ``query`` is unchanged from the outside request."""
        return URL.build(scheme="http", host="localhost", path=path, query_string=query, encoded=True)

    async def start(self) -> None:
        """Start the process; returns once it answers.

        Raises:
            ModelError: the worker reports that it cannot load its models.
            WorkerError: the worker has ended, or was not ready in time.
        """
        try:
            await asyncio.to_thread(self._spawn)
        except Exception as error:  # whatever the reason, no process was started
            self.ended.set()
            raise WorkerError(f"worker {self.number} cannot be started ({error!r}); lower server.workers") from error
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)
        if self._stopping:
            self._process.terminate()
        try:
            async with asyncio.timeout(START_S):
                await _readable(self._news.fileno())
            problem = await asyncio.to_thread(self._news.recv)
        except TimeoutError as error:
            raise WorkerError(f"worker {self.number} was not ready in {START_S:.0f} s; is the machine busy?") from error
        except EOFError as error:
            told = "see its log lines above for the cause"
            raise WorkerError(f"worker {self.number} ended before it was ready; {told}") from error
        if problem is not None:
            raise ModelError(problem)
        if not self.ended.is_set():
            self._listening = True
            asyncio.get_running_loop().add_reader(self._news.fileno(), self._goodbye)

    async def ask(self) -> Heartbeat:
        """The worker's current report.

        Raises:
            WorkerError: no answer came in time.
        """
        try:
            async with asyncio.timeout(ASK_S), self.http.get(self.url(REPORT)) as response:
                response.raise_for_status()
                return Heartbeat(**await response.json())
        except Exception as error:  # anything that is not a report counts as no answer
            raise WorkerError(f"worker {self.number} does not answer ({error!r})") from error

    async def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or ends within ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        return self.ended.is_set()

    def kill(self) -> None:
        """End it at once."""
        if not self.ended.is_set():
            self._process.kill()

    async def stop(self) -> None:
        """Let it say goodbye to everyone; returns once it has ended."""
        self._stopping = True
        if self.pid is not None and not self.ended.is_set():
            self._process.terminate()
        if not await self.ends_within(STOP_S):
            log.error("worker %d did not end within %.0f s and is killed", self.number, STOP_S)
            self.kill()
            await self.ended.wait()

    async def dispose(self) -> int | None:
        """Release all resources for it, and kill it if it still runs; returns its exit code."""
        self.kill()
        await self.ended.wait()
        code = await asyncio.to_thread(self._tidy)
        await self.http.close()  # after its last answer
        return code

    def _spawn(self) -> None:
        # Ctrl-C is for the front only, also while the new process still imports: it inherits the blocked signal.
        # Starting multiprocessing's tracker would unblock the signal again, so that is done first.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _ONE_AT_A_TIME:
                self._process.start()
                self.pid = self._process.pid
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._their_end.close()

    def _goodbye(self) -> None:
        # After "ready" comes only this message, or the end of the pipe; both mean the same.
        asyncio.get_running_loop().remove_reader(self._news.fileno())
        self._on_goodbye(self)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._process.sentinel)
        if self._listening:  # otherwise `start` is still listening, and sees the end
            loop.remove_reader(self._news.fileno())
        self.ended.set()
        self._on_end(self)

    def _tidy(self) -> int | None:
        self._news.close()
        self._path.unlink(missing_ok=True)
        if self.pid is None:
            return None
        with _ONE_AT_A_TIME:
            self._process.join()
            code = self._process.exitcode
            self._process.close()
        return code


async def _readable(descriptor: int) -> None:
    """Return once there is something to read, or the other end is closed."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
