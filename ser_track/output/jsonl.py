"""Events as JSON lines, into a file or a pipe."""

from typing import TextIO

from ser_track.event_types import EncodedEvent
from ser_track.safe_text import SafeStream
from ser_track.shortages import STDOUT, naming


class JsonLines:
    """Writes events as lines of a text stream that the caller opened and closes.

    It waits for the stream and loses nothing, so it suits recordings and pipes; a live path puts a queue before it.
    """

    def __init__(self, stream: TextIO | SafeStream, name: str = STDOUT) -> None:
        """Write to ``stream``; ``name`` is what errors call it."""
        self._stream = stream
        self._name = name

    def put(self, event: EncodedEvent) -> None:
        """Write one line and flush it, so that anyone who reads a pipe sees events as they happen.

        Raises:
            OSError: the stream is closed or full.
        """
        with naming(self._name):
            self._stream.write(event.text + "\n")
            self._stream.flush()
