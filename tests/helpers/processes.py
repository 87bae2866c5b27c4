"""Programs that tests start, talk to and interrupt; none outlives its test."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

END_S = 60.0


@contextmanager
def started(command: Sequence[str], **how: Any) -> Iterator["subprocess.Popen[Any]"]:
    """``command``, in a process group of its own; ``how`` is as for `subprocess.Popen`.

    At the end of the block the program must end by itself. If the block fails, or a time limit ends it, the whole group
    is killed: `subprocess.Popen` alone would wait for the program, for as long as that hangs.
    """
    with subprocess.Popen(command, start_new_session=True, **how) as process:
        try:
            yield process
            process.wait(END_S)
        except BaseException:
            interrupt_group(process, signal.SIGKILL)
            raise


def interrupt_group(process: "subprocess.Popen[Any]", number: int = signal.SIGINT) -> None:
    """Send a signal to the program and its children, as a terminal does at Ctrl-C."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
