"""Events as JSON lines, into a file or a pipe."""

from typing import TextIO

from ser_track.event_types import EncodedEvent


class JsonLines:
    """Events as lines of a text stream that the caller opened and closes.

    It waits for the stream and loses nothing, so it is for recordings and pipes; a live path puts a mailbox before it.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def put(self, event: EncodedEvent) -> None:
        """Write one line and flush it, so that anyone who reads a pipe sees events as they happen.

        Raises:
            OSError: the stream is closed or full.
        """
        self._stream.write(event.text + "\n")
        self._stream.flush()
