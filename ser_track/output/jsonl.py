"""Events as JSON lines, into a file or a pipe."""

from typing import TextIO

from ser_track.event_types import EncodedEvent
from ser_track.safe_text import SafeStream


class JsonLines:
    """Writes events as lines of a text stream that the caller opened and closes.

    It waits for the stream and loses nothing, so it suits recordings and pipes; a live path puts a queue before it.
    """

    def __init__(self, stream: TextIO | SafeStream) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def put(self, event: EncodedEvent) -> None:
        """Write one line and flush it, so that anyone who reads a pipe sees events as they happen.

        Raises:
            OSError: the stream is closed or full.
        """
        self._stream.write(event.text + "\n")
        self._stream.flush()
