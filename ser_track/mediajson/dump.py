"""Dumps of MediaJson: one line per frame, ``{"timestamp": ms, "direction": "incoming", "data": "FRAME"}``.

The form of the recording that comes with Jitsi's reference service for transcription, in which
`ser_track.mediajson.writer` keeps meetings too.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ser_track.errors import AudioError, brief
from ser_track.mediajson.frames import RECORD_FULL, Frame, Media, SourceStarted, read_frame
from ser_track.mediajson.source import MediaSource
from ser_track.rtp.header import Arrival
from ser_track.rtp.packet_reader import Recorded, RecordedChunk, RecordedPacket

_MAX_LINE: Final = 1 << 20
_LATEST_S: Final = 1 << 40
_MAX_SOURCES: Final = 10_000
"""Each source that was started is kept, with its decoder, until the end of the file."""


class _Source(NamedTuple):
    started: SourceStarted
    media: MediaSource | None
    """``None`` if the encoding is unknown."""

    def recorded(self, media: Media, now_s: float) -> Iterator[Recorded]:
        """Return the content of one packet."""
        endpoint, name = self.started.endpoint, self.started.name or self.started.endpoint
        for each in self.media.read(media, now_s) if self.media is not None else ():
            if isinstance(each, Arrival):
                yield RecordedPacket(endpoint, name, None, each, "opus")
            else:
                yield RecordedChunk(endpoint, name, each, now_s)


def is_dump(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a MediaJson dump."""
    line = head.removeprefix(BOM_UTF8).split(b"\n", 1)[0]
    return line.lstrip().startswith(b"{") and b'"data"' in line and b'"timestamp"' in line and b'\\"event\\"' in line


class MediaJsonDump:
    """Packets of every endpoint of a bridge. An endpoint's second source replaces its first, as in a call."""

    def __init__(self, file: BinaryIO) -> None:
        """Read ``file``."""
        self.problems: list[str] = []
        self.keyed: set[str] = set()
        self._file = file

    def packets(self) -> Iterator[Recorded]:
        """See `PacketReader.packets`."""
        self.problems = []
        sources: dict[str, _Source] = {}
        unusable, first_unusable = 0, ""
        self._file.seek(0)
        for number, line in enumerate(iter(lambda: self._file.readline(_MAX_LINE), b""), 1):
            try:
                found = list(self._read(line, sources))
            except AudioError as error:
                if not line.endswith(b"\n") and len(line) < _MAX_LINE:
                    self.problems.append("is cut off in the middle of its last line")
                else:
                    unusable, first_unusable = unusable + 1, first_unusable or f"line {number}: {error}"
                continue
            yield from found
        if unusable:
            self.problems.append(f"has {unusable} lines that cannot be used ({first_unusable})")

    def _read(self, line: bytes, sources: dict[str, _Source]) -> Iterator[Recorded]:
        """Return the audio in one line."""
        now_s, frame = _frame(line)
        if isinstance(frame, SourceStarted):
            if frame.tag not in sources and len(sources) >= _MAX_SOURCES:
                raise AudioError(f"more than {_MAX_SOURCES} sources; split the recording")
            sources[frame.tag] = _Source(frame, self._media_source(frame, len(sources)))
        elif isinstance(frame, Media):
            if (source := sources.get(frame.tag)) is None:
                raise AudioError(f"source '{frame.tag}' was never started")
            yield from source.recorded(frame, now_s)
        elif frame is None and RECORD_FULL.encode() in line:
            self.problems.append("ends before the meeting did: its recording had reached its limit")

    def _media_source(self, started: SourceStarted, number: int) -> MediaSource | None:
        try:
            return MediaSource(started, number)
        except AudioError as error:
            self.problems.append(f"has '{started.endpoint}' as {started.encoding}, which cannot be decoded: {error}")
            return None


def _frame(line: bytes) -> tuple[float, Frame | None]:
    """Return the time of day in seconds, and the frame; ``None`` for a frame in the other direction."""
    try:
        body = json.loads(line)
        now_s, data = float(body["timestamp"]) / 1000, body["data"]
        incoming = body.get("direction", "incoming") == "incoming"
        if not isinstance(data, str) or not 0 <= now_s < _LATEST_S:
            raise TypeError("'data' is not text, or 'timestamp' is not a time")
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, OverflowError) as error:
        raise AudioError(f"not a line of a MediaJson dump ({brief(error)})") from error
    return now_s, read_frame(data) if incoming else None
