"""What every format of recorded packets is read as."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ser_track.chunk import Chunk
from ser_track.rtp.header import Arrival


class RecordedPacket(NamedTuple):
    """One packet of a file."""

    sender: str
    """Whose it is: unique within the file."""
    name: str
    """What people call the sender, as far as the file knows; two may have the same."""
    payload_type: int | None
    """RTP's; None where the file itself says that it is Opus."""
    arrival: Arrival
    """``now`` is the time of day of its arrival, in seconds since 1970."""

    @property
    def now_s(self) -> float:
        """Time of day of its arrival, in seconds since 1970."""
        return self.arrival.now


class RecordedChunk(NamedTuple):
    """Audio of a file that came decoded, or in a codec that needs no packet path (PCM, G.711)."""

    sender: str
    name: str
    chunk: Chunk
    """In the media time of the sender's stream."""
    now_s: float
    """Time of day of its arrival, in seconds since 1970."""


Recorded = RecordedPacket | RecordedChunk


class PacketReader(Protocol):
    """A file of packets. It is read from its beginning as often as somebody asks, and never held in memory."""

    problems: list[str]
    """What was found wrong with the file when it was last read to its end; each goes on from the file's name."""

    keyed: set[str]
    """Senders whose connection began with a handshake for keys, so that what they send is encrypted."""

    def packets(self) -> Iterator[Recorded]:
        """All packets in the order of the file; what is damaged or of no use is left out, and is in ``problems``."""
        ...
