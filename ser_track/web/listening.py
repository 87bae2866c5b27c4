"""How every server of ours listens: the same limits for connections, and an answer even without descriptors."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import time
import weakref
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPException

from ser_track.errors import ConfigError
from ser_track.safe_text import printable
from ser_track.shortages import is_shortage
from ser_track.web.descriptors import DESCRIPTORS, Descriptors

log = logging.getLogger(__name__)
SHUTDOWN_S: Final = 3.0
"""The time for open requests to end; without it, one whose body never ends would delay the exit for a minute."""
_IDLE_S: Final = 75.0
"""A connection without a request, or whose headers come too slowly, is closed; proxies keep theirs for up to 60 s."""
_RESERVE_S: Final = 1.0
"""How long a connection on a reserved descriptor may stay: health has to be asked and answered in that time."""
_TOLD_EVERY_S: Final = 10.0
_MAX_REASON: Final = 200
_ABSENT: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""A name may stand for addresses that this machine lacks, such as IPv6."""


def new_runner(app: web.Application) -> web.AppRunner:
    """The runner of ``app``, before its setup."""
    return web.AppRunner(
        app,
        access_log=None,
        logger=_CONNECTIONS,
        keepalive_timeout=_IDLE_S,
        shutdown_timeout=SHUTDOWN_S,
        auto_decompress=False,  # nobody may send us compressed bodies: see `read_object`
    )


class Listener(socket.socket):
    """A listening socket that accepts on a reserved descriptor if there is no other, and hangs up soon after.

    asyncio alone would log hundreds of errors at each attempt, and accept nobody.
    """

    descriptors: Descriptors
    _paused = False
    _told_at = float("-inf")

    def accept(self) -> tuple[socket.socket, Any]:
        """As `socket.socket.accept`; asyncio calls it again and again until nobody waits any longer.

        Raises:
            BlockingIOError: nobody waits, or we have just said that there is nothing left.
            OSError: neither a descriptor nor a reserved one is left; asyncio tries again in a second.
        """
        if self._paused:
            self._paused = False
            raise BlockingIOError
        self.descriptors.fill()
        try:
            return super().accept()
        except OSError as error:
            if not is_shortage(error):
                raise
            self._tell(error)
            return self._accept_on_reserve(error)

    def _accept_on_reserve(self, shortage: OSError) -> tuple[socket.socket, Any]:
        self.descriptors.lend()
        try:
            accepted, address = super().accept()
        except OSError as error:
            if not is_shortage(error):
                raise
            self._paused = True
            raise _NothingLeftError(shortage.errno, shortage.strerror) from None
        asyncio.get_running_loop().call_later(_RESERVE_S, _hang_up, weakref.ref(accepted))
        return accepted, address

    def _tell(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TOLD_EVERY_S:
            self._told_at = now
            log.error(
                "no file descriptor is left (%s): new requests are refused with 503, and people in rooms are not "
                "affected; raise the limit of open files (ulimit -n; LimitNOFILE= in systemd)",
                error.strerror,
            )


class _NothingLeftError(OSError):
    """Makes asyncio wait for a second; it would log this each time, and we have told it."""


def listeners(app: web.Application, host: str, port: int) -> list[Listener]:
    """Sockets at every address that ``host`` stands for; port 0 takes a free one.

    Raises:
        ConfigError: the host is not known or not ours, or the port is in use.
    """
    try:
        return _at_every_address(app, host, port)
    except OSError as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ConfigError("server", [f"cannot listen on {where} ({error}); choose another --host or --port"]) from error


def _at_every_address(app: web.Application, host: str, port: int) -> list[Listener]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[Listener] = []
    problem: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        free = bound[0].getsockname()[1] if bound else port
        try:
            bound.append(_bound(app, Listener(family, kind, protocol), (address[0], free, *address[2:])))
        except OSError as error:
            problem = error
            if error.errno not in _ABSENT:
                break
    if problem is not None and (not bound or problem.errno not in _ABSENT):
        for listener in bound:
            listener.close()
        raise problem
    return bound


def listener_at(app: web.Application, path: str) -> Listener:
    """A Unix socket at ``path``. Raises OSError."""
    return _bound(app, Listener(socket.AF_UNIX, socket.SOCK_STREAM), path)


def _bound(app: web.Application, listener: Listener, address: tuple[Any, ...] | str) -> Listener:
    listener.descriptors = app[DESCRIPTORS]
    try:
        if os.name == "posix":  # elsewhere it would take a port from the program that has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen()  # here and not only in asyncio, so that a port in use is told from here
    except OSError:
        listener.close()
        raise
    return listener


def _hang_up(connection: "weakref.ref[socket.socket]") -> None:
    accepted = connection()
    if accepted is not None and accepted.fileno() != -1:
        with contextlib.suppress(OSError):  # the other side went first
            accepted.shutdown(socket.SHUT_RDWR)


def _malformed_in_one_line(record: logging.LogRecord) -> bool:
    """A request that is not HTTP is not our failure: it is one line without a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (HttpProcessingError, web.RequestPayloadError, HTTPException)):
        reason = printable(str(getattr(error, "message", "") or error))[:_MAX_REASON]
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = "a request that is not valid HTTP was refused: %s", (reason,)
        record.exc_info = record.exc_text = None
    return True


def _not_told_yet(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], _NothingLeftError))


logging.getLogger("asyncio").addFilter(_not_told_yet)
_CONNECTIONS: Final = logging.getLogger(f"{__name__}.connections")
_CONNECTIONS.addFilter(_malformed_in_one_line)
