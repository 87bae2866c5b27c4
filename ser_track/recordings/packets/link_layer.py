"""Extracts UDP datagrams from network frames: Ethernet with VLANs, loopback, Linux's "any", raw IP.

IP fragments are not reassembled, and tunnels are not decoded: audio packets are far shorter than a network's MTU.
"""

import functools
import ipaddress
from typing import Final, NamedTuple

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_BARE_IP: Final = (12, 14, 101, 228, 229)
LINK_TYPES: Final = (_ETHERNET, _NULL, _LOOP, _SLL, _SLL2, *_BARE_IP)
"""Link types from tcpdump.org's list."""
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLANS: Final = (0x8100, 0x88A8, 0x9100)
_UDP: Final = 17
_EXTENSIONS: Final = (0, 43, 60)
"""IPv6 extension headers: hop-by-hop options, routing and destination options."""


class Datagram(NamedTuple):
    """A UDP payload, with source and destination as ``address:port``."""

    source: str
    destination: str
    payload: bytes


def datagram(link_type: int, frame: bytes) -> Datagram | None:
    """Return the UDP datagram in ``frame``; ``None`` if there is none, or only part of its header."""
    try:
        packet = _network(link_type, frame)
        version = packet[0] >> 4
        return _ipv4(packet) if version == 4 else _ipv6(packet) if version == 6 else None
    except IndexError:
        return None


def _network(link_type: int, frame: bytes) -> bytes:
    """Return the IP packet in the frame; empty if it is not IP."""
    if link_type in _BARE_IP:
        return frame
    if link_type in (_NULL, _LOOP):
        return frame[4:]
    if link_type == _SLL2:
        kind, at = _number(frame, 0), 20
    elif link_type == _SLL:
        kind, at = _number(frame, 14), 16
    else:
        kind, at = _number(frame, 12), 14
    while kind in _VLANS:
        kind, at = _number(frame, at + 2), at + 4
    return frame[at:] if kind in (_IPV4, _IPV6) else b""


def _ipv4(packet: bytes) -> Datagram | None:
    if packet[9] != _UDP or _number(packet, 6) & 0x3FFF:  # not UDP, or a fragment
        return None
    return _udp(packet, 4 * (packet[0] & 15), packet[12:16], packet[16:20])


def _ipv6(packet: bytes) -> Datagram | None:
    kind, at = packet[6], 40
    while kind in _EXTENSIONS:
        kind, at = packet[at], at + 8 + 8 * packet[at + 1]
    return _udp(packet, at, packet[8:24], packet[24:40]) if kind == _UDP else None


def _udp(packet: bytes, at: int, source: bytes, destination: bytes) -> Datagram:
    length = _number(packet, at + 4)
    payload = packet[at + 8 : at + length]
    return Datagram(_name(source, _number(packet, at)), _name(destination, _number(packet, at + 2)), payload)


def _number(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]


@functools.lru_cache(1024)
def _name(address: bytes, port: int) -> str:
    host = ipaddress.ip_address(address)
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
