"""Records a live meeting's audio in a file that can be analysed again: `ser-track analyze FILE`.

The file has lines of MediaJson, as a bridge's own recordings have (`ser_track.mediajson.dump` reads them). Opus is kept
packet by packet, as it arrived; decoded audio is kept as L24 with its media time. Recordings contain people's voices:
anyone who makes one needs their consent.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import BinaryIO, Final

from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.mediajson.frames import DECODED, MEDIA_TIME, RECORD_FULL, REDUNDANT
from ser_track.mediajson.source import encode_decoded
from ser_track.rtp.header import RTP_CLOCK_HZ, Arrival

_FLUSH_EVERY_S: Final = 1.0
_MAX_NAME: Final = 200
"""The reader refuses longer names."""
_OPUS_FORMAT: Final[dict[str, object]] = {"encoding": "opus", "sampleRate": RTP_CLOCK_HZ, "channels": 2}
_DECODED_FORMAT: Final[dict[str, object]] = {"encoding": DECODED, "sampleRate": SAMPLE_RATE_HZ, "channels": 1}


class MediaJsonWriter:
    """Appends audio to a file that the caller opened for binary appending and will close.

    Not thread-safe. The cost of a packet does not depend on how many came before it, and only the sources' names are
    kept in memory. If the program is killed, the last second may be missing.
    """

    def __init__(self, file: BinaryIO, clock_offset_s: float, max_bytes: int) -> None:
        """``clock_offset_s`` is the time of day less the clock of `Arrival.now`; at most ``max_bytes`` are written."""
        self._file = file
        self._clock_offset_s = clock_offset_s
        self._left_bytes = max_bytes
        self._sources: dict[str, _Source] = {}
        """Sources by tag."""
        self._lines = 0
        self._flushed_at: float | None = None
        self.left_out = 0
        """Packets and chunks that were not written, because the file is full."""

    def put(self, stream: str, name: str, arrival: Arrival) -> None:
        """Write one packet of ``stream``, an id that is new at each join, of the participant called ``name``.

        Raises:
            OSError: the file cannot be written.
        """
        source = self._source(f"{stream}-{arrival.ssrc}", stream, name, _OPUS_FORMAT)
        self._put(source, arrival.now, _packet(arrival))

    def put_chunk(self, stream: str, name: str, chunk: Chunk, now: float) -> None:
        """Write decoded audio of ``stream``; ``now`` is when it came, by the clock of `Arrival.now`.

        Raises:
            OSError: the file cannot be written.
        """
        source = self._source(f"{stream}-decoded", stream, name, _DECODED_FORMAT)
        # Audio that is sent faster than real time is dated as it was spoken.
        begun = source.begun = now - chunk.at / SAMPLE_RATE_HZ if source.begun is None else source.begun
        for first in range(0, len(chunk.samples), SAMPLE_RATE_HZ):
            part = Chunk(chunk.at + first, chunk.samples[first : first + SAMPLE_RATE_HZ])
            body = _body(source.count, part.at, encode_decoded(part))
            self._put(source, begun + part.at / SAMPLE_RATE_HZ, body)

    def _source(self, tag: str, stream: str, name: str, media_format: dict[str, object]) -> "_Source":
        if (source := self._sources.get(tag)) is None:
            source = self._sources[tag] = _Source(tag, _start(tag, stream, name, media_format))
        return source

    def _put(self, source: "_Source", now: float, body: dict[str, object]) -> None:
        if self.left_out:
            self.left_out += 1
            return
        lines = self._line(now, "start", source.start) if not source.count else b""
        lines += self._line(now, "media", {"tag": source.tag} | body)
        if len(lines) > self._left_bytes:
            self.left_out = 1
            self._file.write(self._line(now, "info", {"text": RECORD_FULL}))
            self._file.flush()
            return
        source.count += 1
        self._left_bytes -= len(lines)
        self._file.write(lines)
        if self._flushed_at is None or abs(now - self._flushed_at) >= _FLUSH_EVERY_S:  # a stream may be far ahead
            self.flush()
            self._flushed_at = now

    def flush(self) -> None:
        """Flush written data to the operating system."""
        self._file.flush()

    def _line(self, now: float, event: str, body: dict[str, object]) -> bytes:
        frame = {"event": event, "sequenceNumber": str(self._lines), event: body}
        self._lines += 1
        milliseconds = round((now + self._clock_offset_s) * 1000)
        line = {"timestamp": milliseconds, "direction": "incoming", "data": json.dumps(frame, separators=(",", ":"))}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


@dataclass(slots=True)
class _Source:
    tag: str
    start: dict[str, object]
    count: int = 0
    """The state of one source in the file."""
    begun: float | None = None
    """When its media time was 0, for decoded audio."""


def _start(tag: str, stream: str, name: str, media_format: dict[str, object]) -> dict[str, object]:
    about: dict[str, object] = {"endpointId": stream, "displayName": name[:_MAX_NAME]}
    if media_format is _DECODED_FORMAT:
        about[MEDIA_TIME] = True
    return {"tag": tag, "mediaFormat": media_format, "customParameters": about}


def _packet(arrival: Arrival) -> dict[str, object]:
    body = _body(arrival.sequence, arrival.timestamp, arrival.payload)
    if arrival.redundant:
        return body | {REDUNDANT: True}
    return body if arrival.level is None else body | {"audioLevel": arrival.level}


def _body(number: int, timestamp: int, payload: bytes) -> dict[str, object]:
    return {"chunk": str(number), "timestamp": str(timestamp), "payload": b64encode(payload).decode()}
