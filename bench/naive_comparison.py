"""The cost of the naive design (bench/naive.py), measured with the same callers in place of the server."""

import asyncio
import math
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession

from bench.caller import Sending, join_all
from bench.meeting import SETTLE_S, make_callers
from bench.sender import send_all
from bench.server_process import ServerProcess, serving

_PARTICIPANTS: Final = 8
_SECONDS: Final = 15.0
_PROGRAM: Final = Path(__file__).parent / "naive.py"


def measure_naive(python: str | None) -> dict[str, Any]:
    """Run it on core 0 with few callers; ``python`` is an interpreter that has torch and silero-vad."""
    with serving(core=0, program=_PROGRAM, python=python) as server:
        if not server.alive():
            return {"naive_ms_per_participant_s": None, "naive": "it did not start: see --naive-python"}
        cpu_ms = asyncio.run(_measure(server))
    return {
        "naive_ms_per_participant_s": round(cpu_ms, 2),
        "naive_participants_per_core": math.floor(1000 / cpu_ms),
        "naive_participants": _PARTICIPANTS,
    }


async def _measure(server: ServerProcess) -> float:
    callers = make_callers(_PARTICIPANTS, Sending())
    async with ClientSession() as http:
        await join_all(callers, http, server.url)
        await send_all(callers, SETTLE_S)
        cpu_s = server.cpu_s()
        await send_all(callers, _SECONDS)
        cpu_s = server.cpu_s() - cpu_s
        await asyncio.gather(*(caller.connection.close() for caller in callers))
    return 1000 * cpu_s / _SECONDS / len(callers)
