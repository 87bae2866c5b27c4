"""Requests that no client library would send: bytes on a socket, and what comes back."""

import asyncio
import json
from typing import Any, NamedTuple

LIMIT_S = 30.0
"""For one exchange, on a machine with other things to do."""


class Reply(NamedTuple):
    """An answer; `headers` is the raw text of them."""

    status: int
    headers: str
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The refusal in it."""
        found: dict[str, Any] = json.loads(self.body)["error"]
        return found


async def sent(port: int, data: bytes, host: str = "127.0.0.1") -> Reply:
    """The reply to ``data``, which must ask for the connection to be closed, or be answered so."""
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(data)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
    return Reply(int(head.split()[1]), head.decode("latin-1"), body)


async def got(port: int, path: str, host: str = "localhost") -> Reply:
    """The reply to a GET of ``path``."""
    return await sent(port, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
