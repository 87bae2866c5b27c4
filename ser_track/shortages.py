"""Tells when something failed because the system had nothing left to give, which is never the caller's fault."""

import errno
import socket
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
