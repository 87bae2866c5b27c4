"""Finds out which TURN server a connection uses, and why it gave no address; aioice does not report the reason."""

import asyncio
from collections.abc import Iterable
from typing import Final

from aioice.stun import TransactionFailed, TransactionTimeout
from aioice.turn import create_turn_endpoint
from aiortc.rtcicetransport import parse_stun_turn_uri

from ser_track.config.schema import IceServer

_PATIENCE_S: Final = 5.0
"""As long as aioice waits while it gathers candidates."""
_UNAUTHORIZED: Final = 401


def used_relay(servers: Iterable[IceServer]) -> IceServer | None:
    """The one TURN server among ``servers`` that aiortc uses: the first."""
    return next((server for server in servers if server.urls.startswith("turn")), None)


async def why_no_relay(server: IceServer) -> str:
    """The reason and the remedy, found by asking ``server`` once more. An address that it gives is released again.

    The text does not contain the credential.
    """
    where = parse_stun_turn_uri(server.urls)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transport, unused = await create_turn_endpoint(
                _Unused,
                (where["host"], where["port"]),
                server.username,
                server.credential,
                ssl=where["scheme"] == "turns",
                transport=where["transport"],
            )
    except TransactionFailed as error:
        return _refused(error)
    except (TimeoutError, TransactionTimeout):
        return (
            f"no answer in {_PATIENCE_S:.0f} s; correct its address, or let {where['transport'].upper()} to it through"
        )
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be encoded
        return f"it cannot be reached ({error}); correct its address, or start it"
    transport.close()
    await unused.closed.wait()
    return f"it gave one when asked again; it, or the network to it, is slow: the limit is {_PATIENCE_S:.0f} s"


def _refused(error: TransactionFailed) -> str:
    code, words = error.response.attributes.get("ERROR-CODE", (0, "without a reason"))
    if code == _UNAUTHORIZED:
        return f"username and credential refused ({code} {words}); correct them in runtime.ice_servers"
    return f"refused ({code} {words}); see the log of the TURN server"


class _Unused(asyncio.DatagramProtocol):
    """The local end of a relay that carries no data."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """The relayed address has been released."""
        self.closed.set()
