"""The interface that an `AnalysisPeer` needs from its owner."""

from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.meetings.attendee import Attendee
from ser_track.rtp.header import Arrival


class PeerOwner(Protocol):
    """The owner of a connection; called on the event loop."""

    def packet(self, arrival: Arrival) -> None:
        """An RTP packet with Opus."""
        ...

    def heard(self, chunk: Chunk) -> None:
        """Samples of any other codec, in the track's own media time."""
        ...

    def fault(self, code: str, message: str) -> None:
        """Audio of this participant cannot be used."""
        ...

    def connected(self) -> None:
        """The connection is established."""
        ...

    def channel_opened(self) -> None:
        """Events can be received from now on."""
        ...

    def channel_message(self, text: str) -> None:
        """The participant sent a message on the data channel."""
        ...

    def connection_lost(self, reason: str) -> None:
        """The connection is gone, and we did not close it."""
        ...


class AttendeeOwner:
    """The half of a `PeerOwner` that passes the connection's audio to an attendee."""

    def __init__(self, attendee: Attendee) -> None:
        self.attendee = attendee

    def packet(self, arrival: Arrival) -> None:
        """See `PeerOwner`."""
        self.attendee.arrived(arrival)

    def connected(self) -> None:
        """See `PeerOwner`."""

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`."""
        self.attendee.heard(chunk)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self.attendee.fault(code, message)
