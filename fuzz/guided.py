"""Fuzzing that follows coverage, with atheris: ``uv run --with atheris python -m fuzz.guided TARGET``.

libFuzzer measures which branches an input reaches, and goes on from those that reach new ones. Its own limits of time
and memory end the process. Further arguments go to libFuzzer, ``-max_total_time=3600`` for instance.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ser_track"]):
    from fuzz.targets import TARGETS

from fuzz.__main__ import FINDINGS
from fuzz.bounds import CPU_S, MEMORY_BYTES
from fuzz.mutations import MAX_BYTES


def main() -> None:
    """Run until something is found, or until libFuzzer's own limit."""
    name, *further = sys.argv[1:]
    target = TARGETS[name]
    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(target.seeds(name)):
            (Path(corpus) / str(number)).write_bytes(data)
        limits = [f"-timeout={CPU_S:.0f}", f"-malloc_limit_mb={MEMORY_BYTES >> 20}", f"-max_len={MAX_BYTES}"]
        where = f"-artifact_prefix={FINDINGS}/{name}-"
        atheris.Setup([sys.argv[0], *limits, where, *further, corpus], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
