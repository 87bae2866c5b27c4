"""No test hangs for ever, and none is kept from interrupting what it starts."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.processes import interrupt_group, started
from tests.paths import ROOT

HANGS = """
import subprocess, sys, time
import pytest
from tests.helpers.watchdog import watched

class Item:
    nodeid = "tests/test_x.py::test_that_hangs"
    class config:
        pluginmanager = pytest.PytestPluginManager()

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
with watched(Item(), 1):
    time.sleep(600)
"""
INTERRUPTED = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import tests.conftest
child = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
subprocess.run([sys.executable, "-c", child], check=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc, which only Linux has")
def test_a_test_that_cannot_be_failed_ends_its_process_and_what_it_started() -> None:
    command = [sys.executable, "-c", HANGS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "tests/test_x.py::test_that_hangs took more than 1 s" in done.stderr
    assert "Current thread" in done.stderr, "where it hung"
    until = time.monotonic() + 30  # a killed process may still need its turn to end
    while _runs(done.stdout.strip()):
        assert time.monotonic() < until, "what it started goes on"
        time.sleep(0.02)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_programs_can_be_interrupted_where_pytest_itself_was_started_with_sigint_ignored() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"


def test_a_program_is_killed_with_its_test_and_one_that_ends_is_waited_for() -> None:
    sleeps = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    with suppress(ZeroDivisionError), started(sleeps, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    with started(sleeps, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        interrupt_group(process)
    assert process.returncode in (1, -signal.SIGINT)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
