"""The common form in which all formats of recorded packets are read."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ser_track.chunk import Chunk
from ser_track.rtp.header import Arrival


class RecordedPacket(NamedTuple):
    """One packet of a file."""

    sender: str
    """The sender's id: unique within the file."""
    name: str
    """The sender's display name, if the file has one; two senders may have the same."""
    payload_type: int | None
    """RTP's payload type; ``None`` if the file has none."""
    arrival: Arrival
    """The packet; its ``now`` is the time of day of its arrival, in seconds since 1970."""
    codec: str | None = None
    """The codec of its audio, in lower case, if the file itself says it."""

    @property
    def now_s(self) -> float:
        """Time of day of its arrival, in seconds since 1970."""
        return self.arrival.now


class RecordedChunk(NamedTuple):
    """Audio of a file that was already decoded, or in a codec that needs no packet path there (MediaJson's PCM)."""

    sender: str
    name: str
    chunk: Chunk
    """The samples, in the media time of the sender's stream."""
    now_s: float
    """Time of day of its arrival, in seconds since 1970."""


Recorded = RecordedPacket | RecordedChunk


class PacketReader(Protocol):
    """A file of packets. Each call reads it from its beginning; it is never held in memory."""

    problems: list[str]
    """Problems found when the file was last read to its end; each text continues a sentence after the file's name."""

    keyed: set[str]
    """Senders whose connection began with a key handshake, so their packets are encrypted."""

    def packets(self) -> Iterator[Recorded]:
        """Yield all packets in file order; damaged or useless ones are left out and reported in ``problems``."""
        ...
