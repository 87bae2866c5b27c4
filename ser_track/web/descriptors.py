"""File descriptors: enough of them from the start, and a reserve, so that a server without any still answers.

Each connection, and each UDP socket of a participant, is a descriptor. Without a reserve, a process that has none left
could not even accept the request that asks for its health.
"""

import logging
import os
import re
import sys
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.config.schema import Config
from ser_track.errors import OverloadedError

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)
_RESERVED: Final = 32
_HEADROOM: Final = 8
"""Fewer free descriptors than this are too few for one more participant."""
_PER_PERSON: Final = 5
"""A page's WebSocket, UDP sockets at two addresses, our own socket beside the one in use, and a request."""
_PER_PERSON_AT_THE_FRONT: Final = 2
_PER_MEETING: Final = 2
_ALWAYS: Final = 300
"""The process itself, and 200 programs that read events."""
_ESSENTIAL: Final = re.compile(r"/healthz|/metrics|/internal/report|/meetings/[^/]+/notice/(participants|answer)")
"""What is served even without descriptors: that the server lives, and the answers of people in meetings."""


class Descriptors:
    """A reserve of descriptors, and whether there are enough for something new."""

    def __init__(self) -> None:
        """Without `fill` there is no reserve."""
        self._held: list[int] = []
        self._filled = False

    def fill(self) -> bool:
        """Take descriptors for the reserve, as far as there are any; returns whether it is full."""
        self._filled = True
        try:
            while len(self._held) < _RESERVED:
                self._held += os.pipe() if not self._held else (os.dup(self._held[0]),)
        except OSError:
            return False
        return True

    def lend(self) -> bool:
        """Free one descriptor of the reserve for whatever comes next; False if there is none."""
        if self._held:
            os.close(self._held.pop())
            return True
        return False

    def short(self) -> bool:
        """Whether there are too few for another participant, reserve aside."""
        if not self._filled:
            return False
        if not self.fill():
            return True
        probes: list[int] = []
        try:
            probes.extend(os.dup(self._held[0]) for _ in range(_HEADROOM))
        except OSError:
            return True
        finally:
            for probe in probes:
                os.close(probe)
        return False

    def close(self) -> None:
        """Free the reserve."""
        self._filled = False
        while self.lend():
            pass


DESCRIPTORS: Final = web.AppKey("descriptors", Descriptors)


@web.middleware
async def essential_first(request: web.Request, handler: Handler) -> web.StreamResponse:
    """While descriptors are short, refuse everything but health, metrics and people's answers; close each connection.

    Raises:
        OverloadedError: descriptors are short, and this request can wait.
    """
    descriptors = request.app[DESCRIPTORS]
    if not descriptors.short():
        return await handler(request)
    if _ESSENTIAL.fullmatch(request.path) is None:
        raise OverloadedError("the server has no file descriptors left for this; try again in a moment")
    descriptors.lend()  # a front needs one to ask its worker
    response = await handler(request)
    response.force_close()
    return response


def health_word(request: web.Request) -> str:
    """``ok``, or ``no_descriptors``: the server works, but refuses newcomers until there are descriptors again."""
    return "no_descriptors" if request.app[DESCRIPTORS].short() else "ok"


def raise_limit(config: Config) -> None:
    """Raise this process's limit of descriptors as far as the system lets us; warn if that is too low for ``config``.

    Processes that are started later inherit the limit.
    """
    if sys.platform == "win32":
        return  # it has no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed(config)
    for limit in (hard, wanted):  # macOS calls its limit infinite, and then refuses to raise it so far
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            break
        except (OSError, ValueError):
            continue
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning(
            "this process may open %d files, but rooms.max_rooms and rooms.max_participants need up to %d: people will "
            "be refused before all rooms are full; raise the limit (ulimit -n; LimitNOFILE= in systemd), or lower them",
            soft,
            wanted,
        )


def needed(config: Config) -> int:
    """How many descriptors the busiest process needs when all configured rooms are full; an estimate."""
    people, workers = config.rooms.max_rooms * config.rooms.max_participants, config.server.workers
    meetings = _PER_MEETING * config.meetings.max_meetings
    in_one = _PER_PERSON * -(-people // workers)
    return _ALWAYS + _RESERVED + meetings + max(in_one, _PER_PERSON_AT_THE_FRONT * people if workers > 1 else 0)
