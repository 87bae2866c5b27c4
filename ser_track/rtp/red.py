"""Unpacks RED (RFC 2198): each packet also carries copies of earlier ones, which arrive where those were lost."""

from typing import Final, NamedTuple

from ser_track.rtp.header import Arrival
from ser_track.rtp.opus_packet import packet_length

MORE: Final = 0x80
"""Flag of a header that another header follows: its block is a copy."""
_HEADER_BYTES: Final = 4
_GRID: Final = 120
"""RTP time of Opus's shortest frame, 2.5 ms: all ages are a multiple."""
_MAX_BLOCKS: Final = 16
"""Senders repeat one to three packets, and never more than 0.34 s."""


class Block(NamedTuple):
    """One of the packets in a RED payload."""

    payload_type: int
    age: int
    """By how much its timestamp is earlier than that of the packet that carries it; 0 for the packet's own audio."""
    payload: bytes


def read_red(payload: bytes) -> list[Block] | None:
    """Return the blocks of a RED payload, the packet's own audio last; ``None`` if it is not RED."""
    heads = list[tuple[int, int, int]]()
    at = 0
    while at < len(payload) and payload[at] & MORE:
        word = int.from_bytes(payload[at : at + _HEADER_BYTES])
        at += _HEADER_BYTES
        heads.append((word >> 24 & 127, word >> 10 & 0x3FFF, word & 0x3FF))
        if len(heads) > _MAX_BLOCKS:
            return None
    if at >= len(payload) or at + 1 + sum(size for _, _, size in heads) > len(payload):
        return None
    own_type, at = payload[at] & 127, at + 1
    blocks = list[Block]()
    for payload_type, age, size in heads:
        blocks.append(Block(payload_type, age, payload[at : at + size]))
        at += size
    return [*blocks, Block(own_type, 0, payload[at:])]


def unpack(arrival: Arrival, audio_type: int | None = None) -> list[Arrival]:
    """Return the packet's own audio, and after it the copies that it carries; nothing if it is not RED.

    ``audio_type`` is the payload type of the audio, if it is known: other blocks, such as keys of a telephone, count
    for the order only.
    """
    if (blocks := read_red(arrival.payload)) is None:
        return []
    own = blocks.pop()
    wanted = own.payload_type if audio_type is None else audio_type
    copies = [
        arrival._replace(timestamp=arrival.timestamp - age & 0xFFFFFFFF, payload=payload, level=None, redundant=True)
        for payload_type, age, payload in blocks
        if payload and age and payload_type == wanted
    ]
    return [arrival._replace(payload=own.payload if own.payload_type == wanted else b""), *copies]


def carries_opus(blocks: list[Block]) -> bool:
    """Whether ``blocks`` are copies of Opus before a packet of it: by chance, one of millions of packets is."""
    *copies, own = blocks
    return bool(copies and packet_length(own.payload)) and all(
        each.payload_type == own.payload_type and 0 < packet_length(each.payload) <= each.age and not each.age % _GRID
        for each in copies
    )


class RedUnpacker:
    """Unpacks a source of which nobody says whether it sends RED: its packets show it."""

    def __init__(self) -> None:
        self._audio_type: int | None = None

    def unpack(self, arrival: Arrival) -> list[Arrival]:
        """Return the packet itself, or the packets in it."""
        blocks = read_red(arrival.payload)
        if blocks is None:
            return [arrival]
        if carries_opus(blocks):
            self._audio_type = blocks[-1].payload_type
        return unpack(arrival) if blocks[-1].payload_type == self._audio_type else [arrival]
