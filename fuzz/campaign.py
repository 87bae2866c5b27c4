"""Runs one target in a process of its own, watches it from outside, and keeps the input that broke it."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz.bounds import CPU_S, INPUT, OUT_OF_MEMORY, WITHIN_BOUNDS

STUCK_S: Final = 60.0
"""A process that computes nothing for this long waits for something that does not come."""
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that broke a bound or a promise."""

    target: str
    reason: str
    data: bytes
    output: str
    """What the process wrote: a traceback, or where an allocation failed."""

    def keep(self, folder: Path) -> Path:
        """Write the input to ``folder``, under a name of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.target}-{hashlib.sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        return path


def fuzz(
    name: str, examples: int, seed: int = 0, *, module: str = "fuzz.child", stuck_s: float = STUCK_S
) -> Finding | None:
    """Give the target ``name`` so many damaged inputs; the same ``seed`` gives the same inputs.

    module: the program that does it; it takes the arguments of `fuzz.child`.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / INPUT
        place.touch()
        command = [sys.executable, "-m", module, name, folder, str(examples), str(seed)]
        # One arena: each thread's own would count as 64 MB of address space.
        environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "TMPDIR": folder}
        with (Path(folder) / "output").open("w+b") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
            try:
                stuck = _stuck(process, stuck_s)
            finally:
                process.kill()
                code = process.wait()
            output.seek(0)
            written = output.read().decode(errors="replace")
        if code == 0 and WITHIN_BOUNDS in written:
            return None
        return Finding(name, _reason(code, stuck, stuck_s), place.read_bytes(), written)


def _stuck(process: "subprocess.Popen[bytes]", stuck_s: float) -> bool:
    """Wait for the end; true if the process has only slept for so long. A busy machine may not let it run."""
    computed, slept_s = "", 0.0
    while slept_s < stuck_s:
        try:
            process.wait(_LOOK_S)
            return False
        except subprocess.TimeoutExpired:
            before, (state, computed) = computed, _state(process.pid)
            slept_s = slept_s + _LOOK_S if state != "R" and before == computed else 0.0
    return True


def _state(process: int) -> tuple[str, str]:
    """Its state, and the CPU time that it has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return fields[0], " ".join(fields[11:13])


def _reason(code: int, stuck: bool, stuck_s: float) -> str:
    if stuck:
        return f"it waited for {stuck_s:g} s"
    if code == -signal.SIGPROF:
        return f"it took more than {CPU_S:g} s of CPU time"
    if code == OUT_OF_MEMORY:
        return "it allocated more memory than any input may"
    if code < 0:
        return f"it crashed ({signal.Signals(-code).name})"
    return "it raised an error that is not a refusal" if code else "it ended the process"
