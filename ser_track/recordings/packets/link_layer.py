"""Finds the IP packet in a network frame: Ethernet with VLANs, MPLS or PPPoE, loopback, Linux's "any", raw IP, PPP."""

from typing import Final, NamedTuple

_ETHERNET, _NULL, _PPP, _LOOP, _SLL, _SLL2 = 1, 0, 9, 108, 113, 276
_BARE_IP: Final = (12, 14, 101, 228, 229)
LINK_TYPES: Final = (_ETHERNET, _NULL, _PPP, _LOOP, _SLL, _SLL2, *_BARE_IP)
"""Link types from tcpdump.org's list."""
_IPV4, _IPV6 = 0x0800, 0x86DD
_PPP_IP: Final = (0x0021, 0x0057)
_VLANS: Final = (0x8100, 0x88A8, 0x9100)
_MPLS: Final = (0x8847, 0x8848)
_PPPOE: Final = 0x8864
_BRIDGED: Final = 0x6558
"""Ethernet in GRE or GENEVE."""
_IP_VERSIONS: Final = (4, 6)
_MACSEC: Final = 0x88E5


class NotRead(NamedTuple):
    """A packet that may hold audio, but is not read."""

    kind: str


def network_packet(link_type: int, frame: bytes) -> "bytes | NotRead":
    """Return the IP packet in ``frame``; empty if it holds something else.

    Raises:
        IndexError: it ends within a header.
    """
    if link_type in _BARE_IP:
        return frame
    if link_type in (_NULL, _LOOP):
        return frame[4:]
    if link_type == _PPP:
        return _ppp(frame[2:] if frame[:2] == b"\xff\x03" else frame)
    if link_type == _SLL2:
        return inside(number(frame, 0), frame[20:])
    if link_type == _SLL:
        return inside(number(frame, 14), frame[16:])
    return ethernet_packet(frame)


def ethernet_packet(frame: bytes, innermost: bool = False) -> "bytes | NotRead":
    """Return the IP packet in a frame of Ethernet; ``innermost``: no further frame is looked for in it."""
    return inside(number(frame, 12), frame[14:], innermost)


def inside(kind: int, data: bytes, innermost: bool = False) -> "bytes | NotRead":
    """Return the IP packet in ``data``, which Ethernet's type field calls ``kind``."""
    at = 0
    while kind in _VLANS:
        kind, at = number(data, at + 2), at + 4
    data = data[at:]
    if kind in (_IPV4, _IPV6):
        return data
    if innermost and kind in (*_MPLS, _BRIDGED):
        return b""
    if kind in _MPLS:
        return mpls_packet(data)
    if kind == _PPPOE:
        return _ppp(data[6:])
    if kind == _BRIDGED:
        return ethernet_packet(data, innermost=True)
    return NotRead("MACsec, which is encrypted") if kind == _MACSEC else b""


def mpls_packet(data: bytes) -> "bytes | NotRead":
    """Return the IP packet behind MPLS's labels (RFC 3032), or in a frame of Ethernet there (RFC 4448)."""
    at = 0
    while not data[at + 2] & 1:  # the last label says that it is the last
        at += 4
    data = data[at + 4 :]
    if data[0] >> 4 in _IP_VERSIONS:
        return data
    return ethernet_packet(data[4:] if data[0] >> 4 == 0 else data, innermost=True)


def _ppp(data: bytes) -> bytes:
    at = 1 if data[0] & 1 else 2  # the protocol's number may be shortened (RFC 1661, 6.5)
    return data[at:] if int.from_bytes(data[:at]) in _PPP_IP else b""


def number(data: bytes, at: int) -> int:
    """Return the 16 bits at ``at``."""
    return data[at] << 8 | data[at + 1]
