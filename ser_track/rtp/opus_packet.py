"""What the first bytes of an Opus packet say of it, without decoding it (RFC 6716, 3.1)."""

from typing import Final

# RFC 6716, table 2: length of one frame in units of the RTP clock, by the packet's configuration number.
_FRAME_LENGTHS: Final = (
    *(480, 960, 1920, 2880) * 3,  # SILK
    *(480, 960) * 2,  # hybrid
    *(120, 240, 480, 960) * 4,  # CELT
)
_LENGTHS: Final = tuple(each for one in _FRAME_LENGTHS for each in (one, 2 * one, 2 * one, None) * 2)
"""Length of a packet by its first byte; ``None`` if it says in the next how many frames it has."""
_CELT_FROM: Final = 16
_STEREO_FLAG: Final = 4
_LONGEST: Final = 5760
"""No packet is longer than 120 ms."""


def packet_length(payload: bytes) -> int:
    """Return a packet's duration in units of the 48 kHz RTP clock; 0 if it is not an Opus packet (RFC 6716, 3.1)."""
    if not payload:
        return 0
    if (length := _LENGTHS[payload[0]]) is None:
        frames = payload[1] & 63 if len(payload) > 1 else 0
        length = frames * _FRAME_LENGTHS[payload[0] >> 3]
    return length if length <= _LONGEST else 0


def carries_previous(payload: bytes) -> bool:
    """Whether a packet also carries the one before it at a lower rate (LBRR: in-band forward error correction).

    RFC 6716, 4.2.3 and 4.2.4: the first bits of a SILK frame are a voice flag for each 20 ms, then this one.
    """
    if len(payload) < 2 or payload[0] >> 3 >= _CELT_FROM or payload[0] & 3:
        return False
    per_frame = max(1, _FRAME_LENGTHS[payload[0] >> 3] // 960)
    flags = payload[1]
    if is_stereo(payload):  # the side channel has its own flags
        return bool((flags >> (7 - per_frame) | flags >> (6 - 2 * per_frame)) & 1)
    return bool(flags >> (7 - per_frame) & 1)


def is_stereo(payload: bytes) -> bool:
    """Whether a packet was encoded with two channels (RFC 6716, 3.1)."""
    return bool(payload) and bool(payload[0] & _STEREO_FLAG)
