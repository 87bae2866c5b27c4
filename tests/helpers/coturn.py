"""Debian's coturn, a TURN server, for tests that are to be relayed or refused by a real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.helpers.programs import Program, require_server, running

USER = "ser-track"
CREDENTIAL = "mellon-9f2c"


@asynccontextmanager
async def coturn(
    folder: Path, listening: str, relaying: str, port: int, *settings: str, within: tuple[str, ...] = ()
) -> AsyncIterator[Program]:
    """It listens on one address and relays from another, for `USER` alone; ``within`` is what starts it elsewhere."""
    path = folder / "turn.conf"
    lines = (
        f"listening-ip={listening}",
        f"listening-port={port}",
        f"relay-ip={relaying}",
        "realm=relay.example",
        "lt-cred-mech",
        f"user={USER}:{CREDENTIAL}",
        "no-tls",
        "no-dtls",
        "no-cli",
        "log-file=stdout",
        "simple-log",
        "verbose",
        f"userdb={folder / 'turn.db'}",
        f"pidfile={folder / 'turn.pid'}",
        *settings,
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    async with running(*within, require_server("turnserver"), "-c", str(path)) as program:
        await program.wait_for("Total General servers")  # what it writes once it listens
        yield program
