"""Real servers for tests to join: one that is installed, or a skip, or a failure where there must be one."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

if sys.platform == "linux":
    import resource

START_S = 60.0
STOP_S = 10.0
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps servers, and not on the PATH of everybody."""


def require_server(name: str) -> str:
    """The path of the installed server ``name``; without one, see `skip_or_fail`."""
    if path := shutil.which(name) or shutil.which(name, path=_SYSTEM_FOLDERS):
        return path
    return skip_or_fail(f"no {name}: it is not installed, or not on the PATH")


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test for ``reason``, or fail where ``SER_TRACK_REQUIRE_SERVERS=1`` says that it must run."""
    if os.environ.get("SER_TRACK_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason}, and SER_TRACK_REQUIRE_SERVERS=1 asks for it")
    pytest.skip(reason)


class Program:
    """A running program; what it writes, errors too, is read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.output = ""
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def wait_for(self, pattern: str, timeout_s: float = START_S) -> "re.Match[str]":
        """The first place in its output, so far or to come, that fits; fails if the program ends without one."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := re.search(pattern, self.output)) is None:
                    if self._reading.done():
                        break
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            found = None
        assert found is not None, f"it never wrote {pattern!r} but:\n{self.output}"
        return found

    async def ended(self, timeout_s: float = STOP_S) -> int:
        """Its exit code, once it has ended by itself; fails if it does not."""
        async with asyncio.timeout(timeout_s):
            await self._process.wait()
        await self._reading
        return await self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()

    async def end(self) -> int:
        """Ask it to stop, as the system does; returns its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._reading
        return await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(65_536):
            self.output += piece.decode(errors="replace")
            self._news.set()
        self._news.set()


@asynccontextmanager
async def running(*command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """``command``, until the block ends; ``env`` in place of the environment of the tests."""
    pipe, errors = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=errors, env=env)
    if sys.platform == "linux":
        # Janus 1.1.2 often crashes at its end, in `janus_sctp_association_destroy`: no 100 MB of its memory for that.
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    program = Program(process)
    try:
        yield program
    finally:
        await program.end()
