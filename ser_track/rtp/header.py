"""RTP packets as bytes (RFC 3550, 5.1), and two extensions of their header: audio level (RFC 6464), MID (RFC 8843)."""

from struct import Struct
from typing import Final, NamedTuple

RTP_VERSION: Final = 2
RTP_CLOCK_HZ: Final = 48_000
"""RTP clock rate of Opus at every bandwidth (RFC 7587, section 4.1)."""
MAX_AHEAD_S: Final = 10.0
"""By this much, a timestamp may be ahead of the time that has passed."""
SILENT_LEVEL: Final = 127
"""RFC 6464: -127 dBov, digital silence. Quieter than any microphone: the sender is muted."""
_FIXED: Final = Struct("!BBHII").unpack_from
_FIXED_BYTES: Final = 12
_EXTENSION: Final = Struct("!HH").unpack_from
_ONE_BYTE_HEADERS: Final = 0xBEDE  # RFC 8285, 4.2
make: Final = tuple.__new__
"""Makes a named tuple of all its fields, in half the time that its own constructors take."""
_TWO_BYTE_HEADERS: Final = 0x100  # RFC 8285, 4.3: these twelve bits, the other four are the application's
_STOP: Final = 15
"""RFC 8285, 4.2: nothing after an element of this number is read."""
_PLAIN: Final = RTP_VERSION << 6
"""First byte of a header with nothing but the fixed part."""
_RTCP_TYPES: Final = range(192, 224)


class Arrival(NamedTuple):
    """One RTP packet with Opus: its RTP numbers, and its arrival time (monotonic seconds)."""

    ssrc: int
    sequence: int
    timestamp: int
    payload: bytes
    now: float
    level: int | None = None
    """Level that the sender gives (RFC 6464), in -dBov: 0 is the loudest, 127 digital silence. ``None``: not given."""
    redundant: bool = False
    """Whether it is a copy of earlier audio (RED): ``sequence`` is then the number of the packet that carried it."""


class Header(NamedTuple):
    """The part of every RTP packet that is never encrypted."""

    first: int
    """Version, and flags for padding, an extension and contributing sources."""
    payload_type: int
    """Payload type, with the marker bit above it."""
    sequence: int
    timestamp: int
    ssrc: int


def read_header(datagram: bytes) -> Header | None:
    """Return the header if the datagram is (S)RTP, not STUN, DTLS (RFC 7983, 7) or RTCP (RFC 5761, 4)."""
    if len(datagram) <= _FIXED_BYTES or datagram[0] >> 6 != RTP_VERSION or datagram[1] in _RTCP_TYPES:
        return None
    return make(Header, _FIXED(datagram))


def read_packet(header: Header, packet: bytes, level_id: int | None, now: float) -> Arrival:
    """Return the Opus packet in RTP; ``level_id`` is the number negotiated for the audio level, if any.

    A packet that is shorter than its header says is returned without payload.
    """
    first, _, sequence, timestamp, ssrc = header
    if first == _PLAIN:
        return make(Arrival, (ssrc, sequence, timestamp, packet[_FIXED_BYTES:], now, None, False))
    at, end = _FIXED_BYTES + 4 * (first & 15), len(packet)
    if first & 0x20:  # padding, whose length is the last byte
        end -= packet[-1]
    level = None
    if first & 0x10:
        if end < at + 4:
            return Arrival(ssrc, sequence, timestamp, b"", now)
        profile, words = _EXTENSION(packet, at)
        at += 4
        if level_id is not None:
            level = _given_level(packet[at : at + 4 * words], profile, level_id)
        at += 4 * words
    return make(Arrival, (ssrc, sequence, timestamp, packet[at:end], now, level, False))


def read_mid(packet: bytes, mid_id: int) -> str | None:
    """The MID in the header, which names a section of the session description; ``None`` if the packet has none.

    ``mid_id`` is the number negotiated for it. The header is not encrypted, but only a decrypted packet is authentic.
    """
    at = _FIXED_BYTES + 4 * (packet[0] & 15)
    if not packet[0] & 0x10 or len(packet) < at + 4:
        return None
    profile, words = _EXTENSION(packet, at)
    extension = packet[at + 4 : at + 4 + 4 * words]
    if profile != _ONE_BYTE_HEADERS and profile >> 4 != _TWO_BYTE_HEADERS:
        return None
    found = _element(extension, mid_id, head_bytes=1 if profile == _ONE_BYTE_HEADERS else 2)
    return None if found is None else found.decode("ascii", "replace")


def _element(extension: bytes, wanted: int, head_bytes: int) -> bytes | None:
    """The content of the element with the number ``wanted`` (RFC 8285, 4.2 and 4.3)."""
    at = 0
    while at + head_bytes <= len(extension):
        first = extension[at]
        number, length = (first >> 4, (first & 15) + 1) if head_bytes == 1 else (first, extension[at + 1])
        if number == 0:  # padding between elements
            at += 1
        elif number == _STOP and head_bytes == 1:
            return None
        elif number == wanted:
            content = extension[at + head_bytes : at + head_bytes + length]
            return content if len(content) == length else None
        else:
            at += head_bytes + length
    return None


def _given_level(extension: bytes, profile: int, level_id: int) -> int | None:
    if profile == _ONE_BYTE_HEADERS:
        if len(extension) > 1 and 0 < extension[0] == level_id << 4:  # the usual case: it comes first
            return extension[1] & 127
        return _level(extension, level_id)
    return _level_in_long(extension, level_id) if profile >> 4 == _TWO_BYTE_HEADERS else None


def _level(extension: bytes, level_id: int) -> int | None:
    """Level in -dBov, 0 … 127, from elements with one-byte headers (RFC 8285, 4.2)."""
    at = 0
    while at < len(extension):
        number, length = extension[at] >> 4, (extension[at] & 15) + 1
        if number == 0:  # padding between elements
            at += 1
            continue
        if number == level_id:
            return extension[at + 1] & 127 if at + 1 < len(extension) else None
        if number == _STOP:
            return None
        at += 1 + length
    return None


def _level_in_long(extension: bytes, level_id: int) -> int | None:
    """Level in -dBov, 0 … 127, from elements with two-byte headers (RFC 8285, 4.3)."""
    at = 0
    while at + 1 < len(extension):
        if extension[at] == 0:  # padding between elements
            at += 1
            continue
        length = extension[at + 1]
        if extension[at] == level_id:
            return extension[at + 2] & 127 if length and at + 2 < len(extension) else None
        at += 2 + length
    return None
