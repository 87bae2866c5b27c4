"""The callers of a measurement: who they are, and how they join, speak and leave."""

import asyncio
import os
import platform
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from bench.caller import Caller, Sending, join_all
from bench.packets import SILENCE_TURNS, speech
from bench.sender import send_all
from bench.server_process import ServerProcess

SETTLE_S: Final = 5.0
MAX_PARTICIPANTS: Final = 500
"""Of one room, observers included (the most that ``rooms.max_participants`` may be)."""
_WARM_UP_S: Final = 6.0


def make_observers(callers: Sequence[Caller], count: int) -> list[Caller]:
    """So many that only listen, in each room."""
    return [Caller(room) for room in sorted({caller.room for caller in callers}) for _ in range(count)]


def make_callers(count: int, sending: Sending, rooms: int = 1) -> list[Caller]:
    """One in eight speaks at a time: each plays the recording, then is silent for seven times its length."""
    spoken, turns = len(speech()), 1 + SILENCE_TURNS
    return [
        Caller(f"meeting-{index * rooms // count}", sending, (index % turns) * spoken + (index * 37) % spoken)
        for index in range(count)
    ]


async def warm_up(http: ClientSession, server: ServerProcess, room: str = "meeting-0") -> None:
    """One person calls, speaks and leaves, so that memory that is loaded once does not count for the participants."""
    caller, observer = Caller(room, Sending()), Caller(room)
    await join_all([observer], http, server.url)
    await join_all([caller], http, server.url)
    await send_all([caller], _WARM_UP_S)
    await leave([observer, caller])


async def leave(callers: list[Caller]) -> None:
    """All hang up; returns when the server has noticed."""
    await asyncio.gather(*(caller.connection.close() for caller in callers))
    await asyncio.sleep(SETTLE_S)


def allow_many_sockets() -> None:
    """Raise this process's limit of open files as far as it goes: each caller has several sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def machine() -> str:
    """The processor's name, and how many cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, {os.cpu_count()} cores"
