"""Limits the addresses that a connection sends to: an offer can name anybody's."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aioice import Candidate
from aiortc import RTCPeerConnection

MAX_REMOTE_CANDIDATES: Final = 20
"""The addresses that are tried for one transport. Browsers name 5 to 20. Each that does not respond gets 6 packets."""

_UNKNOWN_PRIORITY: Final = 1_845_494_271
"""Of a peer-reflexive candidate (RFC 8445, 5.1.2)."""


def limit_candidates(connection: RTCPeerConnection, excluded: Sequence[str]) -> int:
    """Drop remote candidates of ``connection`` before anything is sent to them; returns how many were dropped.

    Call it after the remote description was set, when names were resolved, and before the local one is.
    ``excluded`` are networks that are never sent to. Addresses from which checks arrive later are limited as well.
    """
    networks = _networks(excluded)
    return sum(_limit(ice, networks) for ice in _ice_of(connection))


async def add_candidates(connection: RTCPeerConnection, lines: Iterable[str], excluded: Sequence[str]) -> int:
    """Add remote candidates that were found after the offer; returns how many are used. The same limits hold.

    ``lines`` are values of ``a=candidate``. Names (mDNS) are not used: such a client reaches our own addresses.

    Raises:
        ValueError: a line is not a candidate.
    """
    candidates, networks, used = [Candidate.from_sdp(line) for line in lines], _networks(excluded), 0
    for ice in _ice_of(connection):
        for each in candidates:
            full = ice._remote_candidates_end or len(ice._remote_candidates) >= MAX_REMOTE_CANDIDATES
            if not full and _is_address(each.host) and _is_usable(each, networks):
                await ice.add_remote_candidate(each)
                used += 1
    return used


def _networks(excluded: Sequence[str]) -> list[Any]:
    return [ipaddress.ip_network(network) for network in excluded]


def _ice_of(connection: RTCPeerConnection) -> list[Any]:
    transports: set[Any] = vars(connection)["_RTCPeerConnection__iceTransports"]
    return [transport._connection for transport in transports]


def _limit(ice: Any, networks: Sequence[Any]) -> int:
    candidates: list[Any] = ice._remote_candidates
    before = len(candidates)
    allowed = [each for each in candidates if _is_usable(each, networks)]
    allowed.sort(key=lambda each: each.priority, reverse=True)
    candidates[:] = allowed[:MAX_REMOTE_CANDIDATES]
    _limit_arrivals(ice, networks)
    return before - len(candidates)


def _is_usable(each: Any, networks: Sequence[Any]) -> bool:
    # Of the rest, aioice could use none: our own candidates are UDP, with RTP and RTCP on one port.
    of_ours = each.transport.lower() == "udp" and each.component == 1
    return of_ours and _may_send(each._network_host, each.port, networks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _limit_arrivals(ice: Any, networks: Sequence[Any]) -> None:
    """Anyone can send a check with a forged source address, which aioice then checks in return, several times."""
    check = ice.check_incoming

    def check_incoming(message: Any, address: tuple[str, int], protocol: Any) -> None:
        # FFmpeg 8.0 leaves this out, although it must be there (RFC 8445, 7.1.1); aioice would fail.
        message.attributes.setdefault("PRIORITY", _UNKNOWN_PRIORITY)
        known = any((each._network_host, each.port) == address[:2] for each in ice._remote_candidates)
        full = len(ice._remote_candidates) >= 2 * MAX_REMOTE_CANDIDATES
        if known or (not full and _may_send(*address[:2], networks)):
            check(message, address, protocol)

    ice.check_incoming = check_incoming


def _may_send(host: str, port: int, networks: Sequence[Any]) -> bool:
    """Whether a participant can be at this address at all, and the configuration does not exclude it."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if (mapped := getattr(address, "ipv4_mapped", None)) is not None:
        address = mapped
    if address.is_multicast or address.is_unspecified or port == 0:
        return False
    if address.version == 4 and address.is_reserved:  # broadcast too
        return False
    return not any(address in network for network in networks)
