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

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def counter(self, name: str) -> float:
        """One unlabelled value of /metrics."""
        match = re.search(rf"^{name} (\S+)$", self._metrics(), re.MULTILINE)
        assert match is not None, f"{name} is not in /metrics"
        return float(match[1])

    def labelled(self, name: str) -> dict[str, float]:
        """Every value of a metric with one label, by the label's value."""
        found = re.findall(rf'^{name}{{\w+="([^"]+)"}} (\S+)$', self._metrics(), re.MULTILINE)
        return {label: float(value) for label, value in found}

    def percentile_ms(self, histogram: str, share: float) -> float | None:
        """Upper edge of the bucket that holds the ``share`` of observations; None if there are none."""
        buckets = self.labelled(f"{histogram}_bucket")
        total = buckets.get("+Inf", 0.0)
        edges = [float(edge) for edge, count in buckets.items() if total and count >= share * total]
        return round(1000 * min(edges), 1) if edges else None

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            return str(response.read().decode())


@contextlib.contextmanager
def serving(
    core: int,
    overrides: Mapping[str, Any] | None = None,
    program: Path = _ROOT / "server.py",
    python: str | None = None,
) -> Iterator[ServerProcess]:
    """Start ``program`` on a free port, on ``core`` alone, and stop it afterwards.

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
        os.sched_setaffinity(process.pid, {core})
        try:
            url = _read_url(process)
            if url:
                _wait_ready(url)
            yield ServerProcess(process, url, time.monotonic() - begun)
        finally:
            process.terminate()
            process.wait(30)


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
