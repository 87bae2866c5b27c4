"""The TURN server of a connection: which one it is, and why it gave no address, which aioice keeps to itself."""

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
    """The one TURN server that aiortc uses of ``servers``: the first."""
    return next((server for server in servers if server.urls.startswith("turn")), None)


async def why_no_relay(server: IceServer) -> str:
    """The reason and the remedy, found by asking ``server`` once more; what it may give now is given back.

    The credential is not in it.
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
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that no name service could know
        return f"not to be reached ({error}); correct its address, or start it"
    transport.close()
    await unused.closed.wait()
    return f"it gave one when asked again; it or the way to it is slow: {_PATIENCE_S:.0f} s are waited for it"


def _refused(error: TransactionFailed) -> str:
    code, words = error.response.attributes.get("ERROR-CODE", (0, "without a reason"))
    if code == _UNAUTHORIZED:
        return f"username and credential refused ({code} {words}); correct them in runtime.ice_servers"
    return f"refused ({code} {words}); its own log says why"


class _Unused(asyncio.DatagramProtocol):
    """The end of a relay through which nothing comes."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """The address has been given back."""
        self.closed.set()
