"""When the system has nothing left to give, such as descriptors, memory or disk: what to say, and to whom."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ser_track.errors import OverloadedError

_DESCRIPTORS: Final = "raise the limit of open files (ulimit -n; LimitNOFILE= in systemd), or configure fewer rooms"
_MEMORY: Final = "give the server more memory, or configure fewer rooms"
_SHORT: Final = {
    errno.EMFILE: f"this process has no file descriptor left; {_DESCRIPTORS}",
    errno.ENFILE: f"this machine has no file descriptor left; {_DESCRIPTORS}",
    errno.ENOBUFS: f"this machine has no memory left for a socket; {_MEMORY}",
    errno.ENOMEM: f"this machine has no memory left; {_MEMORY}",
}

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STDOUT: Final = "standard output"


def is_shortage(error: BaseException) -> bool:
    """Whether a system call failed because nothing was left: descriptors, or memory."""
    return isinstance(error, OSError) and error.errno in _SHORT


def shortage_behind(error: BaseException) -> OverloadedError | None:
    """The shortage that caused ``error``, directly or through other errors; ``None`` if there was none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OverloadedError):
            return seen
        if isinstance(seen, OSError) and seen.errno in _SHORT:
            return OverloadedError(f"the server is overloaded, try again later: {_SHORT[seen.errno]}")
        seen = seen.__cause__ or seen.__context__
    return None


def shortage_of_sockets() -> OverloadedError | None:
    """Why no UDP socket can be opened now; ``None`` if one can."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return shortage_behind(error)
    return None


@contextmanager
def naming(target: Path | str) -> Iterator[None]:
    """Within it, an `OSError` that does not say which file it is about gets the name of ``target``."""
    try:
        yield
    except OSError as error:
        if error.filename is None and not isinstance(error, BrokenPipeError):
            error.filename = str(target)
        raise


def explained(error: OSError) -> str:
    """``error`` as a message with thing, reason and remedy; what names no file concerns standard output."""
    if error.errno not in _FULL:
        return str(error)
    remedy = "make room, or name a file on another disk"
    return f"{error.filename or STDOUT} cannot be written ({error.strerror}); {remedy}"
