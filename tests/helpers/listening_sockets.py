"""Which TCP ports a process listens on, as Linux tells it."""

import os
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"


def listening_ports(process: int | None = None) -> set[int]:
    """The TCP ports on which the process with this id, or this one, accepts connections."""
    folder = Path("/proc") / str(process or os.getpid())
    own = {_inode(descriptor) for descriptor in (folder / "fd").iterdir()}
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in (folder / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == _LISTEN and inode in own:
                ports.add(int(local.rpartition(":")[2], 16))
    return ports


def _inode(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
    except FileNotFoundError:  # closed meanwhile, such as the one that lists this folder
        return ""
