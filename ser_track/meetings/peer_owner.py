"""What an `AnalysisPeer` needs from those around it."""

from typing import Protocol

from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.chunk import Chunk


class PeerOwner(Protocol):
    """Whoever the connection belongs to; called on the event loop."""

    def packet(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """An RTP packet with Opus."""
        ...

    def heard(self, chunk: Chunk) -> None:
        """Samples of any other codec, in the track's own media time."""
        ...

    def fault(self, code: str, message: str) -> None:
        """Audio of this participant could not be used."""
        ...

    def channel_opened(self) -> None:
        """Events can be received from now on."""
        ...

    def channel_message(self, text: str) -> None:
        """The participant said something on the data channel."""
        ...

    def connection_lost(self, reason: str) -> None:
        """The connection is gone, and it was not us who closed it."""
        ...


class SocketReader(Protocol):
    """Whoever reads the sockets of connections."""

    def attach(self, media: MediaSocket) -> None:
        """Read it from now on."""
        ...

    def detach(self, media: MediaSocket) -> None:
        """Read it no more, and close it."""
        ...
