"""The real server in a process of its own, pinned to one core, watched from outside."""

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ServerProcess:
    """CPU, memory and counters of a running server."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, ready_s: float) -> None:
        self._process = process
        self.url = url
        self.ready_s = ready_s
        """From the start of the process to the first answer of /healthz."""

    def cpu_s(self) -> float:
        """User and system time of all threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_mb(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) / 1024

    def counter(self, name: str) -> float:
        """One unlabelled value of /metrics."""
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            text = response.read().decode()
        match = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        assert match is not None, f"{name} is not in /metrics"
        return float(match[1])


@contextlib.contextmanager
def serving(core: int) -> Iterator[ServerProcess]:
    """Start ``server.py`` on a free port, on ``core`` alone, and stop it afterwards."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "server.py", "--port", "0"], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    os.sched_setaffinity(process.pid, {core})
    try:
        url = _read_url(process)
        _wait_ready(url)
        yield ServerProcess(process, url, time.monotonic() - begun)
    finally:
        process.terminate()
        process.wait(30)


def _read_url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(r"http://[\w.]+:\d+", line):
            return match[0]
    raise RuntimeError("the server ended before it was ready; its reason is printed above")


def _wait_ready(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz").close()
            return
        except urllib.error.URLError:
            time.sleep(0.01)
