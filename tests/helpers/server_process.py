"""`server.py` as a process whose descriptors are limited, for tests that take things away from it."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

START_S = 110.0
STOP_S = 20.0


@dataclass(frozen=True)
class ServerProcess:
    """A running server; `url` is the address that it printed."""

    process: "subprocess.Popen[bytes]"
    url: str
    _errors: Path

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def errors(self) -> str:
        """What it wrote to stderr so far."""
        return self._errors.read_text(encoding="utf-8")


@contextmanager
def server_process(
    folder: Path, *arguments: str, soft: int | None = None, hard: int | None = None
) -> Iterator[ServerProcess]:
    """The server on a free port, with these limits of open files; the folder takes what it writes."""

    def limit() -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if soft is not None or hard is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft or hard or before, hard or before))

    out, err = folder / "out", folder / "err"
    command = [sys.executable, "server.py", "--port", "0", *arguments]
    with out.open("wb") as output, err.open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors, preexec_fn=limit)
    try:
        yield ServerProcess(process, _printed_url(process, out, err), err)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _printed_url(process: "subprocess.Popen[bytes]", out: Path, err: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"is ready: (http://\S+) ", out.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"no URL was printed (exit code {process.poll()}): {err.read_text()}")
