"""Finds RTP packets in a capture, and senders whose connections are encrypted."""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final

from ser_track.errors import AudioError
from ser_track.recordings.packets.datagrams import Datagram, datagram
from ser_track.recordings.packets.link_layer import LINK_TYPES, NotRead
from ser_track.recordings.packets.pcap import Frame, frames
from ser_track.recordings.packets.turn import relayed
from ser_track.rtp.header import RTP_VERSION, read_header, read_packet
from ser_track.rtp.packet_reader import RecordedPacket

_DTLS: Final = range(20, 64)
"""First byte of a datagram of DTLS (RFC 7983, 7)."""


class Capture:
    """Packets of every RTP sender over UDP: a sender is a source address, a destination address and an SSRC."""

    def __init__(self, file: BinaryIO) -> None:
        """Read ``file``, a pcap or pcapng."""
        self.problems: list[str] = []
        self.keyed: set[str] = set()
        self._keyed_ways: set[tuple[str, str]] = set()
        self._file = file
        self._senders: dict[tuple[str, str, int], str] = {}
        self._in_part = 0
        self._not_read = Counter[str]()
        """How many packets of each kind may hold audio, but are not read."""
        self._unknown_links = set[int]()

    def packets(self) -> Iterator[RecordedPacket]:
        """See `PacketReader.packets`.

        Some packets only look like RTP: this shows only in several packets together.
        """
        self.problems, self._in_part = [], 0
        self._not_read.clear()
        self._unknown_links.clear()
        any_rtp = False
        try:
            for frame in frames(self._file):
                if (recorded := self._found(frame)) is not None:
                    any_rtp = True
                    yield recorded
        except AudioError as error:
            self.problems.append(str(error))
        self.problems += self._passed_over(any_rtp)

    def _passed_over(self, any_rtp: bool) -> Iterator[str]:
        if self._in_part:
            yield f"holds {self._in_part} incomplete packet(s); capture with tcpdump -s 0"
        if self._not_read and not any_rtp:
            kinds = "; ".join(f"{count} of {kind}" for kind, count in self._not_read.most_common())
            remedy = "capture where the audio is plain RTP over UDP"
            yield f"holds packets in which audio cannot be found ({kinds}); {remedy}"
        if self._unknown_links:
            numbers = ", ".join(map(str, sorted(self._unknown_links)))
            yield f"was captured on a kind of link that is not read (type {numbers}); see recordings.md"

    def _found(self, frame: Frame) -> RecordedPacket | None:
        if frame.link_type not in LINK_TYPES:
            self._unknown_links.add(frame.link_type)
            return None
        found = datagram(frame.link_type, frame.data)
        if isinstance(found, NotRead):
            self._not_read[found.kind] += 1
            return None
        return None if found is None else self._read(frame, found)

    def _read(self, frame: Frame, found: Datagram) -> RecordedPacket | None:
        source, destination, payload = found.source, found.destination, relayed(found.payload)
        if payload and payload[0] in _DTLS:
            self._keyed_ways |= {(source, destination), (destination, source)}
            return None
        if not frame.whole:
            self._in_part += payload[:1] != b"" and payload[0] >> 6 == RTP_VERSION
            return None
        if (header := read_header(payload)) is None:
            return None
        sender = self._sender(source, destination, header.ssrc)
        if (source, destination) in self._keyed_ways:
            self.keyed.add(sender)
        return RecordedPacket(sender, source, header.payload_type & 127, read_packet(header, payload, None, frame.now))

    def _sender(self, source: str, destination: str, ssrc: int) -> str:
        """Return the sender's name, made once: a sender sends a hundred packets in two seconds."""
        key = source, destination, ssrc
        if key not in self._senders:
            self._senders[key] = f"{source} to {destination}, SSRC {ssrc:08x}"
        return self._senders[key]
