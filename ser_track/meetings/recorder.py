"""Records the analysed audio of a meeting, if the configuration names a folder: for anyone who looks for a fault.

Only audio that reaches the engine is recorded, so never that of people who have not agreed. `ser-track analyze FILE`
replays it.
"""

import logging
import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from ser_track.chunk import Chunk
from ser_track.live.intake import Keep
from ser_track.mediajson.writer import MediaJsonWriter
from ser_track.rtp.header import Arrival

log = logging.getLogger(__name__)
_MAX_BYTES: Final = 8 << 30
"""About five days of one voice as Opus, or one day of one voice that came decoded."""


class MeetingRecorder:
    """One file for one meeting, created with the first audio. All but `keeper` belongs to the tick thread."""

    def __init__(self, folder: Path, meeting: str) -> None:
        """The file name consists of the time and the ``meeting``."""
        self.path = folder / f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}-{meeting}.jsonl"
        self._file: BinaryIO | None = None
        self._record: MediaJsonWriter | None = None
        self._failed = False

    def keeper(self, stream: str, name: str) -> Keep:
        """A function that records the audio of one stream."""
        return partial(self._keep, stream, name)

    def close(self) -> None:
        """Write the rest. Later audio is not recorded."""
        self._failed = True
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # the disk is full: the rest is still in memory
                self._tell(error)

    def _keep(self, stream: str, name: str, items: Iterable[Arrival | Chunk]) -> None:
        if self._failed:
            return
        try:
            record = self._opened()
            for item in items:
                if isinstance(item, Arrival):
                    record.put(stream, name, item)
                else:
                    record.put_chunk(stream, name, item, time.monotonic())
        except OSError as error:  # a full disk must not stop the analysis
            self._failed = True
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        log.error(
            "%s cannot be written (%s): the rest of the meeting is not recorded; make room", self.path, error.strerror
        )

    def _opened(self) -> MediaJsonWriter:
        if self._record is None:
            # The file contains voices: only the user that runs the server may read it.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "ab")
            self._record = MediaJsonWriter(self._file, time.time() - time.monotonic(), _MAX_BYTES)
        return self._record
