"""Reads network captures of tcpdump (pcap) and of Wireshark's dumpcap (pcapng) as frames with their times.

Formats: the drafts draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, NamedTuple

from ser_track.errors import AudioError

_ByteOrder = Literal["little", "big"]
_UNITS_S: Final = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
_ORDERS: Final[tuple[_ByteOrder, _ByteOrder]] = ("little", "big")
PCAP_MAGICS: Final = tuple(magic.to_bytes(4, order) for magic in _UNITS_S for order in _ORDERS)
_SECTION, _INTERFACE, _OBSOLETE, _SIMPLE, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
PCAPNG_MAGIC: Final = _SECTION.to_bytes(4)
_BYTE_ORDER_MARK: Final = 0x1A2B3C4D
_RESOLUTION, _OFFSET = 9, 14
_OFFSET_BYTES: Final = 8
_LARGEST: Final = 1 << 20
"""Bytes of one packet or block: more is damage."""


class Frame(NamedTuple):
    """One packet as it was captured."""

    link_type: int
    """The link type, which says how ``data`` begins: a number from tcpdump.org's list."""
    now: float
    """Time of day, seconds since 1970."""
    data: bytes
    whole: bool
    """Whether the whole packet was captured."""


def frames(file: BinaryIO) -> Iterator[Frame]:
    """The frames of ``file``, from its beginning.

    Raises:
        AudioError: raised after all readable frames: the file is cut off or damaged.
    """
    file.seek(0)
    magic = file.read(4)
    yield from _pcapng(file) if magic == PCAPNG_MAGIC else _pcap(file, magic)


def _pcap(file: BinaryIO, magic: bytes) -> Iterator[Frame]:
    order: _ByteOrder = "little" if int.from_bytes(magic, "little") in _UNITS_S else "big"
    unit_s = _UNITS_S[int.from_bytes(magic, order)]
    # The lower half of the header's last number; the upper half has flags.
    link_type = int.from_bytes(_exactly(file, 20)[16:], order) & 0xFFFF
    head = struct.Struct("<IIII" if order == "little" else ">IIII")
    while first := file.read(head.size):
        seconds, fraction, captured, length = head.unpack(first + _exactly(file, head.size - len(first)))
        if captured > _LARGEST:
            raise AudioError(f"is damaged at byte {file.tell()}, and was read up to there")
        yield Frame(link_type, seconds + fraction * unit_s, _exactly(file, captured), captured >= length)


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    unit_s: float
    offset_s: int


def _pcapng(file: BinaryIO) -> Iterator[Frame]:
    file.seek(0)
    order: _ByteOrder = "little"
    interfaces = list[_Interface]()
    while head := file.read(8):
        head += _exactly(file, 8 - len(head))
        if head[:4] == PCAPNG_MAGIC:
            mark = _exactly(file, 4)
            order = "little" if int.from_bytes(mark, "little") == _BYTE_ORDER_MARK else "big"
            interfaces.clear()
            _body(file, int.from_bytes(head[4:], order) - 16)
            continue
        kind, length = int.from_bytes(head[:4], order), int.from_bytes(head[4:], order)
        body = _body(file, length - 12)
        if kind == _INTERFACE:
            interfaces.append(_interface(body, order))
        elif kind in (_PACKET, _OBSOLETE):
            yield _frame(body, interfaces, order, file.tell(), kind == _OBSOLETE)
        elif kind == _SIMPLE:
            raise AudioError("holds packets without times (simple packet blocks); capture it again")


def _body(file: BinaryIO, size: int) -> bytes:
    if not 0 <= size <= _LARGEST:
        raise AudioError(f"is damaged at byte {file.tell()}, and was read up to there")
    return _exactly(file, size + 4)[:size]  # the length is repeated at the end


def _interface(body: bytes, order: _ByteOrder) -> _Interface:
    unit_s, offset_s, at = 1e-6, 0, 8
    while at + 4 <= len(body):
        code, size = (int.from_bytes(body[i : i + 2], order) for i in (at, at + 2))
        value = body[at + 4 : at + 4 + size]
        if code == _RESOLUTION and value:
            unit_s = 2.0 ** -(value[0] & 127) if value[0] & 128 else 10.0 ** -value[0]
        elif code == _OFFSET and size == _OFFSET_BYTES:
            offset_s = int.from_bytes(value, order, signed=True)
        at += 4 + size + -size % 4
    return _Interface(int.from_bytes(body[:2], order), unit_s, offset_s)


def _frame(body: bytes, interfaces: list[_Interface], order: _ByteOrder, at: int, obsolete: bool) -> Frame:
    # Until 2009, the first number had half of the bits; the rest counted drops.
    layout = "HxxIIII" if obsolete else "IIIII"
    try:
        number, high, low, captured, length = struct.unpack_from(("<" if order == "little" else ">") + layout, body)
        interface = interfaces[number]
    except (struct.error, IndexError) as error:
        raise AudioError(f"is damaged before byte {at} ({error!r}), and was read up to there") from error
    now = interface.offset_s + (high << 32 | low) * interface.unit_s
    return Frame(interface.link_type, now, body[20 : 20 + captured], captured >= length)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise AudioError("is cut off in the middle of a packet")
    return data
