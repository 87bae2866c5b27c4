"""Unwraps what a TURN server relays (RFC 8656): ChannelData, and indications of STUN with data."""

from typing import Final

_CHANNELS: Final = range(0x40, 0x50)
_INDICATIONS: Final = (0x0016, 0x0017)
"""Send and Data."""
_COOKIE: Final = bytes.fromhex("2112a442")
_HEADER_BYTES: Final = 20
_DATA: Final = 0x0013


def relayed(payload: bytes) -> bytes:
    """Return the datagram in ``payload``, or ``payload`` itself if it was not relayed."""
    if len(payload) < 4:
        return payload
    if payload[0] in _CHANNELS:
        length = int.from_bytes(payload[2:4])
        return payload[4 : 4 + length] if length <= len(payload) - 4 else payload
    if int.from_bytes(payload[:2]) in _INDICATIONS and payload[4:8] == _COOKIE:
        return _data(payload)
    return payload


def _data(message: bytes) -> bytes:
    at = _HEADER_BYTES
    while at + 4 <= len(message):
        kind, length = int.from_bytes(message[at : at + 2]), int.from_bytes(message[at + 2 : at + 4])
        if kind == _DATA:
            return message[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4
    return message
