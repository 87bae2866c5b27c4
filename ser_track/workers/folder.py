"""Where the workers' sockets are."""

import os
import tempfile

from ser_track.errors import ConfigError

_LONGEST_PATH = 100
"""Bytes; the addresses of Unix sockets hold 103 on macOS, 107 on Linux."""


def socket_folder() -> "tempfile.TemporaryDirectory[str]":
    """A new folder that only this user can enter.

    Raises:
        ConfigError: there can be none, or not one for sockets.
    """
    try:
        # Also removed when a second signal cuts the end short.
        folder = tempfile.TemporaryDirectory(prefix="ser-track-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigError(
            "server", [f"server.workers needs a temporary folder ({error}); set TMPDIR to one"]
        ) from error
    if len(os.fsencode(folder.name)) + len("/1000000.sock") > _LONGEST_PATH:
        folder.cleanup()
        problem = f"server.workers needs Unix sockets, and {folder.name} is too long a path for one"
        raise ConfigError("server", [f"{problem}; set TMPDIR to a shorter one"])
    return folder
