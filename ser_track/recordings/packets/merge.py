"""Merges several files of packets by arrival time."""

from collections.abc import Iterator, Sequence
from heapq import merge

from ser_track.rtp.packet_reader import PacketReader, Recorded

Key = tuple[int, str]
"""A sender: the number of the file, and the sender's name in it."""


def merged(dumps: Sequence[PacketReader]) -> Iterator[tuple[Key, Recorded]]:
    """Yield the packets of all files by arrival time; packets of one file keep their order."""
    return merge(*(_numbered(number, dump) for number, dump in enumerate(dumps)), key=_arrived)


def _numbered(number: int, dump: PacketReader) -> Iterator[tuple[Key, Recorded]]:
    try:
        for packet in dump.packets():
            yield (number, packet.sender), packet
    except OSError as error:
        dump.problems.append(f"cannot be read any further ({error.strerror})")


def _arrived(each: tuple[Key, Recorded]) -> float:
    return each[1].now_s
