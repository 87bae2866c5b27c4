"""Runs the real server in a process of its own, pinned to one core, and measures it from outside."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.scrape import Scrape

_ROOT = Path(__file__).parents[1]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ServerProcess:
    """CPU, memory and counters of a running server."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, ready_s: float) -> None:
        self._process = process
        self.url = url
        self.ready_s = ready_s
        """From the start of the process to the first answer of /healthz."""

    def cpu_s(self, pid: int | None = None) -> float:
        """User and system time of all threads so far, of the server's first process unless ``pid`` names another."""
        fields = _stat(Path(f"/proc/{pid or self._process.pid}/stat"))
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_mb(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) / 1024

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def family(self) -> list[int]:
        """Process ids of the server and of all processes below it."""
        parents = dict(found for path in Path("/proc").glob("[0-9]*/stat") if (found := _parent(path)) is not None)
        family = {self._process.pid}
        while more := {child for child, parent in parents.items() if parent in family} - family:
            family |= more
        return sorted(family)

    def scrape(self) -> Scrape:
        """What /metrics says now."""
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            return Scrape(response.read().decode())


@contextlib.contextmanager
def serving(
    core: int | None,
    overrides: Mapping[str, Any] | None = None,
    program: Path = _ROOT / "server.py",
    python: str | None = None,
) -> Iterator[ServerProcess]:
    """Start ``program`` on a free port, on ``core`` alone (`None`: on all), and stop it afterwards.

    ``overrides`` replace keys in ``config.json``, by section. A program that ends at once is given as it is: not alive.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        document = json.loads((_ROOT / "config.json").read_text())
        config.write_text(
            json.dumps(document | {name: document[name] | keys for name, keys in (overrides or {}).items()})
        )
        arguments = ["--port", "0", "--config", str(config)] if program.name == "server.py" else []
        process = subprocess.Popen(
            [python or sys.executable, str(program), *arguments], cwd=_ROOT, stdout=subprocess.PIPE, text=True
        )
        os.sched_setaffinity(process.pid, range(os.cpu_count() or 1) if core is None else {core})
        try:
            url = _read_url(process)
            if url:
                _wait_ready(url)
            yield ServerProcess(process, url, time.monotonic() - begun)
        finally:
            process.terminate()
            process.wait(30)


def _stat(path: Path) -> list[str]:
    """The fields after the name, which may itself hold spaces and parentheses."""
    return path.read_text().rpartition(")")[2].split()


def _parent(path: Path) -> tuple[int, int] | None:
    """Process id and that of its parent; `None` if it has ended since."""
    try:
        return int(path.parent.name), int(_stat(path)[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _read_url(process: "subprocess.Popen[str]") -> str:
    """The address that the program prints; empty if it ended before."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(r"http://[\w.]+:\d+", line):
            return match[0]
    process.wait()
    return ""


def _wait_ready(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz").close()
            return
        except urllib.error.URLError:
            time.sleep(0.01)
