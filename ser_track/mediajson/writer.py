"""Keeps a live meeting's packets in a file, so that what was heard can be looked at again: `ser-track analyze FILE`.

Lines of MediaJson, as a bridge's own recordings are (`ser_track.mediajson.dump` reads them). They are
people's voices: whoever makes one needs their consent.
"""

import json
from base64 import b64encode
from typing import BinaryIO, Final

from ser_track.mediajson.frames import RECORD_FULL
from ser_track.rtp.header import RTP_CLOCK_HZ, SILENT_LEVEL, Arrival

_FLUSH_EVERY_S: Final = 1.0
_LONGEST_NAME: Final = 200
"""Longer ones a reader refuses."""


class MediaJsonWriter:
    """Appends packets to a file that the caller opened for binary appending, and closes.

    Not for several threads at once. What a packet costs does not depend on how many came before it, and nothing is held
    but the sources' names. Where the program is killed, the last second may be missing.
    """

    def __init__(self, file: BinaryIO, clock_offset_s: float, max_bytes: int) -> None:
        """``clock_offset_s`` is the time of day less the clock of `Arrival.now`; at most ``max_bytes`` are written."""
        self._file = file
        self._clock_offset_s = clock_offset_s
        self._left_bytes = max_bytes
        self._tags: set[str] = set()
        self._lines = 0
        self._flushed_at: float | None = None
        self.left_out = 0
        """Packets that were not written, because the file is full."""

    def put(self, stream: str, name: str, arrival: Arrival) -> None:
        """Write one packet of ``stream``, an id that is new at each join, of somebody whom people call ``name``.

        Raises:
            OSError: the file cannot be written.
        """
        if self.left_out:
            self.left_out += 1
            return
        tag, lines = f"{stream}-{arrival.ssrc}", b""
        if tag not in self._tags:
            lines = self._line(arrival.now, "start", _start(tag, stream, name))
        lines += self._line(arrival.now, "media", _media(tag, arrival))
        if len(lines) > self._left_bytes:
            self.left_out = 1
            self._file.write(self._line(arrival.now, "info", {"text": RECORD_FULL}))
            self._file.flush()
            return
        self._tags.add(tag)
        self._left_bytes -= len(lines)
        self._file.write(lines)
        if self._flushed_at is None or arrival.now - self._flushed_at >= _FLUSH_EVERY_S:
            self.flush()
            self._flushed_at = arrival.now

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        self._file.flush()

    def _line(self, now: float, event: str, body: dict[str, object]) -> bytes:
        frame = {"event": event, "sequenceNumber": str(self._lines), event: body}
        self._lines += 1
        milliseconds = round((now + self._clock_offset_s) * 1000)
        line = {"timestamp": milliseconds, "direction": "incoming", "data": json.dumps(frame, separators=(",", ":"))}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _start(tag: str, stream: str, name: str) -> dict[str, object]:
    return {
        "tag": tag,
        "mediaFormat": {"encoding": "opus", "sampleRate": RTP_CLOCK_HZ, "channels": 2},
        "customParameters": {"endpointId": stream, "displayName": name[:_LONGEST_NAME]},
    }


def _media(tag: str, arrival: Arrival) -> dict[str, object]:
    body: dict[str, object] = {
        "tag": tag,
        "chunk": str(arrival.sequence),
        "timestamp": str(arrival.timestamp),
        "payload": b64encode(arrival.payload).decode(),
    }
    return body | {"audioLevel": SILENT_LEVEL} if arrival.silent else body
