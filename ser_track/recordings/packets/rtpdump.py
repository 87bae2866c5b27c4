"""rtpdump: the format of the rtptools, which Wireshark and WebRTC's own tools write too.

A line ``#!rtpplay1.0 ADDRESS/PORT``; when recording began (seconds and microseconds, 32 bits each), the address, the
port, two bytes of padding; then for each packet its length with this header, its length on the wire (0: RTCP), both of
16 bits, and milliseconds since the beginning (32 bits). All big-endian. Read from rtptools' ``rtpdump.h`` and ``rd.c``.
"""

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, Final

from ser_track.errors import AudioError
from ser_track.rtp.header import read_header, read_packet
from ser_track.rtp.packet_reader import RecordedPacket

MAGIC: Final = b"#!rtpplay1.0 "
_BEGUN: Final = Struct("!IIIHH")
_PACKET: Final = Struct("!HHI")
_MAX_LINE: Final = 200


class RtpDump:
    """Packets of any number of senders, told apart by their SSRC."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the header of ``file``.

        Raises:
            AudioError: it ends in its header.
        """
        self.problems: list[str] = []
        self.keyed: set[str] = set()
        self._file = file
        file.seek(0)
        file.readline(_MAX_LINE)
        head = file.read(_BEGUN.size)
        if len(head) < _BEGUN.size:
            raise AudioError("ends in its header; copy it again")
        seconds, microseconds, *_ = _BEGUN.unpack(head)
        self._begun_s = seconds + microseconds * 1e-6
        self._first_packet = file.tell()

    def packets(self) -> Iterator[RecordedPacket]:
        """See `PacketReader.packets`."""
        self.problems = []
        in_part = 0
        self._file.seek(self._first_packet)
        while head := self._file.read(_PACKET.size):
            length, on_wire, after_ms = _PACKET.unpack(head.ljust(_PACKET.size, b"\0"))
            packet = self._file.read(max(0, length - _PACKET.size))
            if len(head) < _PACKET.size or len(packet) < length - _PACKET.size or length < _PACKET.size:
                self.problems.append("is cut off in the middle of a packet, or damaged there")
                break
            if len(packet) < on_wire:
                in_part += 1
            elif on_wire and (header := read_header(packet)) is not None:
                arrival = read_packet(header, packet, None, self._begun_s + after_ms / 1000)
                sender = f"ssrc-{header.ssrc:08x}"
                yield RecordedPacket(sender, sender, header.payload_type & 127, arrival)
        if in_part:
            self.problems.append(f"holds {in_part} packets in part only; record with rtpdump -F dump")
