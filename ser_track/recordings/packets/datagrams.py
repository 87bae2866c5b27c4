"""Extracts UDP datagrams from network frames, also from tunnels: IP in IP, GRE, VXLAN, GENEVE, GTP, MPLS."""

import functools
import ipaddress
from collections.abc import Callable
from typing import Final, NamedTuple

from ser_track.recordings.packets.link_layer import (
    NotRead,
    ethernet_packet,
    inside,
    mpls_packet,
    network_packet,
    number,
)

_UDP, _IPV4, _IPV6, _GRE, _AH, _MPLS = 17, 4, 41, 47, 51, 137
_EXTENSIONS: Final = (0, 43, 60)
"""IPv6 extension headers: hop-by-hop options, routing and destination options."""
_NOT_READ: Final = {
    6: "TCP (TURN over TCP, RTSP, WebSockets)",
    50: "IPsec (ESP), which is encrypted",
    115: "L2TP",
    132: "SCTP",
}
_FRAGMENT: Final = 44
_FRAGMENTS: Final = NotRead("IP fragments, which are not put together")
_MAX_DEPTH: Final = 4
_VXLAN, _VXLAN_OLD, _GENEVE, _GTP, _MPLS_IN_UDP, _WIREGUARD, _IPSEC = 4789, 8472, 6081, 2152, 6635, 51820, 4500


class Datagram(NamedTuple):
    """A UDP payload, with source and destination as ``address:port``."""

    source: str
    destination: str
    payload: bytes


Found = Datagram | NotRead | None


def datagram(link_type: int, frame: bytes) -> Found:
    """Return the innermost UDP datagram in ``frame``; ``None`` if there is none, or only part of its header."""
    try:
        return _network(network_packet(link_type, frame), 0)
    except IndexError:
        return None


def _network(packet: bytes | NotRead, depth: int) -> Found:
    if isinstance(packet, NotRead) or depth > _MAX_DEPTH:
        return packet if isinstance(packet, NotRead) else None
    version = packet[0] >> 4
    return _ipv4(packet, depth) if version == 4 else _ipv6(packet, depth) if version == 6 else None


def _ipv4(packet: bytes, depth: int) -> Found:
    if number(packet, 6) & 0x3FFF:
        return _FRAGMENTS
    ends = packet[12:16], packet[16:20]
    return _transport(packet[9], packet, 4 * (packet[0] & 15), ends, depth)


def _ipv6(packet: bytes, depth: int) -> Found:
    kind, at = packet[6], 40
    while kind in _EXTENSIONS:
        kind, at = packet[at], at + 8 + 8 * packet[at + 1]
    if kind == _FRAGMENT:
        return _FRAGMENTS
    return _transport(kind, packet, at, (packet[8:24], packet[24:40]), depth)


def _transport(kind: int, packet: bytes, at: int, ends: tuple[bytes, bytes], depth: int) -> Found:
    if kind == _AH:
        return _transport(packet[at], packet, at + 4 * (packet[at + 1] + 2), ends, depth)
    if kind == _UDP:
        return _udp(packet, at, ends, depth)
    if kind in (_IPV4, _IPV6):
        return _network(packet[at:], depth + 1)
    if kind == _GRE:
        return _network(_gre(packet[at:]), depth + 1)
    if kind == _MPLS:
        return _network(mpls_packet(packet[at:]), depth + 1)
    return NotRead(_NOT_READ[kind]) if kind in _NOT_READ else None


def _udp(packet: bytes, at: int, ends: tuple[bytes, bytes], depth: int) -> Found:
    source, destination, length = (number(packet, at + 2 * n) for n in range(3))
    payload = packet[at + 8 : at + length]
    tunnel = _TUNNELS.get(destination)
    if tunnel is not None and (found := _tunnelled(tunnel, payload, depth)) is not None:
        return found
    return Datagram(_name(ends[0], source), _name(ends[1], destination), payload)


def _tunnelled(tunnel: "Callable[[bytes], bytes | NotRead]", payload: bytes, depth: int) -> Found:
    """Return what is in a tunnel, ``None`` if that port is used for something else."""
    try:
        return _network(tunnel(payload), depth + 1)
    except IndexError:
        return None


def _gre(data: bytes) -> bytes | NotRead:
    """RFC 2784 and 2890: a checksum, a key and a number may follow; the first version alone is read."""
    flags, kind = number(data, 0), number(data, 2)
    at = 4 + 4 * ((flags >> 15 & 1) + (flags >> 13 & 1) + (flags >> 12 & 1))
    return b"" if flags & 7 else inside(kind, data[at:])


def _vxlan(data: bytes) -> bytes | NotRead:
    """RFC 7348."""
    return ethernet_packet(data[8:]) if data[:4] == b"\x08\0\0\0" and data[7] == 0 else b"\0"


def _geneve(data: bytes) -> bytes | NotRead:
    """RFC 8926."""
    return b"\0" if data[0] >> 6 else inside(number(data, 2), data[8 + 4 * (data[0] & 63) :])


def _gtp(data: bytes) -> bytes | NotRead:
    """3GPP TS 29.281, 5.1: version 1, a user's packet (255), and perhaps extension headers."""
    if data[0] >> 4 != 3 or data[1] != 255:
        return b"\0"
    at = 8
    if data[0] & 7:
        kind, at = data[11] if data[0] & 4 else 0, 12
        while kind:
            at += 4 * max(1, data[at])
            kind = data[at - 1]
    return data[at:]


def _wireguard(data: bytes) -> bytes | NotRead:
    return NotRead("WireGuard, which is encrypted") if data[:4] == b"\x04\0\0\0" else b"\0"


def _ipsec(data: bytes) -> bytes | NotRead:
    """RFC 3948: keys are negotiated on the same port, after four zeros."""
    return NotRead(_NOT_READ[50]) if data[:4] != bytes(4) and len(data) > 4 and data[0] >> 6 != 2 else b"\0"


_TUNNELS: Final = {
    _VXLAN: _vxlan, _VXLAN_OLD: _vxlan, _GENEVE: _geneve, _GTP: _gtp, _MPLS_IN_UDP: mpls_packet,
    _WIREGUARD: _wireguard, _IPSEC: _ipsec,
}  # fmt: skip


@functools.lru_cache(1024)
def _name(address: bytes, port: int) -> str:
    host = ipaddress.ip_address(address)
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
