"""WAV files whose header does not describe all of their sound: too short, several in one, or cut off.

FFmpeg stops where the header says that the sound ends. Recorders that crashed, or that still run, leave a length that
is too small; and WAV files that were joined byte by byte hold a second header where the first one's sound ends.
"""

import io
import re
import struct
from typing import BinaryIO, Final

from ser_track.recordings.interrupts import Interrupts

MAGICS: Final = (b"RIFF", b"RF64", b"BW64")
_CHUNK: Final = struct.Struct("<4sI")
_HEADER: Final = re.compile(rb"(RIFF|RF64|BW64)....WAVE", re.DOTALL)
_HEADER_INSIDE: Final = re.compile(rb"RIFF....WAVEfmt ", re.DOTALL)
_HEADER_BYTES: Final = 12
_CHUNK_ID: Final = re.compile(rb"[A-Za-z_][\x20-\x7e]{3}")
_UNKNOWN: Final = 0xFFFF_FFFF
_SIZE_UNKNOWN: Final = 0x7FFF_0000
"""Recorders that write into a pipe announce about 2 or 4 GiB, because they do not know the length yet."""
_ENDLESS: Final = 1 << 62
_MAX_HEADER: Final = 1 << 20
_MAX_EXTRA: Final = 1 << 26
"""Bytes of a chunk after the sound, such as tags. A larger number is not the size of a chunk: it is sound."""
_PIECE: Final = 1 << 15


class WavBytes(io.RawIOBase):
    """All sound of a WAV file as one WAV file of unknown length, for FFmpeg. Reads forward only.

    Sound after the announced length is passed on, and so is the sound of WAV files of the same format that follow.
    Tags after the sound are left out. A file that is not a WAV file passes through unchanged.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read ``file`` from where it is."""
        self.problem: str | None = None
        """After the end: what was not passed on; continues a sentence after the file's name."""
        self.interrupts = Interrupts()
        """Those that were lost while FFmpeg was reading."""
        self.bytes_per_s = 0
        """Rate of the sound; 0 if the file is not a WAV file."""
        self._file = file
        self._buffer = b""
        self._format = b""
        self._header = b""
        """What is still to be given of our own header."""
        self._sound = _ENDLESS
        """Bytes of sound that the current header announces, from the start of the buffer on."""
        self._pad = 0
        """Bytes between the announced sound and what follows it."""
        self._begin()

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, as soon as there are any; none at the end."""
        if self._header:
            given, self._header = self._header, b""
            return given
        while self._sound:
            self._fill(_HEADER_BYTES + 4 if self._sound == _ENDLESS else 1)
            if not self._buffer:
                return self._ended()
            if self._sound == _ENDLESS and self._format and (inside := _HEADER_INSIDE.search(self._buffer)):
                self._sound, self._pad = inside.start(), 0
            if given := self._sounding(_PIECE if size < 0 else size):
                return given
            if not self._sound and not self._find_sound():
                return b""
        return b""

    def _ended(self) -> bytes:
        if self._sound != _ENDLESS:
            missing_s = self._sound / max(1, self.bytes_per_s)
            self.problem = f"is cut off: {missing_s:.1f} s of sound that its header announces are missing; replace it"
        return b""

    def _sounding(self, size: int) -> bytes:
        """Take sound from the buffer; in endless sound, keep what may be the beginning of a header."""
        kept = _HEADER_BYTES + 3 if self._sound == _ENDLESS and self._format else 0
        most = len(self._buffer) - kept if len(self._buffer) > kept else len(self._buffer)
        given = self._buffer[: min(size, most, self._sound)]
        self._buffer = self._buffer[len(given) :]
        if self._sound != _ENDLESS:
            self._sound -= len(given)
        if given and not self._sound:
            self._find_sound()
        return given

    def _begin(self) -> None:
        self._fill(_HEADER_BYTES)
        if _HEADER.match(self._buffer) and (found := self._parse()) is not None:
            begin, self._format, size = found
            self.bytes_per_s = int.from_bytes(self._format[8:12], "little")
            self._header = b"RIFF" + self._buffer[4 : begin - 4] + _UNKNOWN.to_bytes(4, "little")
            self._buffer = self._buffer[begin:]
            self._announce(size)

    def _announce(self, size: int) -> None:
        part = size % max(1, int.from_bytes(self._format[12:14], "little"))  # of the last sample
        unknown = size == 0 or _SIZE_UNKNOWN <= size <= _UNKNOWN
        self._sound, self._pad = (_ENDLESS, 0) if unknown else (size - part, part + size % 2)

    def _find_sound(self) -> bool:
        """At the end of the announced sound: find out what follows, and whether there is more sound."""
        while True:
            self._fill(_HEADER_BYTES + self._pad)
            rest = self._buffer[self._pad :]
            if _HEADER.match(rest):
                self._buffer, self._pad = rest, 0
                return self._join()
            if len(rest) < _CHUNK.size:
                return False
            name, size = _CHUNK.unpack_from(rest)
            if not _CHUNK_ID.fullmatch(name) or size > _MAX_EXTRA:
                self._sound = _ENDLESS  # not a chunk: the recorder wrote more than it announced
                return True
            self._fill(self._pad + _CHUNK.size + (0 if name == b"data" else size))
            self._buffer = self._buffer[self._pad + _CHUNK.size :]
            if name == b"data":
                self._announce(size)
                return True
            self._buffer, self._pad = self._buffer[size:], size % 2

    def _join(self) -> bool:
        """Go on with the WAV file that begins here, if it has the same format."""
        if (found := self._parse()) is None:
            return False
        begin, form, size = found
        if form != self._format:
            self.problem = "goes on with a WAV file of another format, which was not analysed: split the file"
            return False
        self._buffer = self._buffer[begin:]
        self._announce(size)
        return True

    def _parse(self) -> tuple[int, bytes, int] | None:
        """Return where sound begins after the header in the buffer, its format, and how many bytes it announces."""
        at, form, long_size = _HEADER_BYTES, b"", 0
        while at < _MAX_HEADER:
            self._fill(at + _CHUNK.size)
            if len(self._buffer) < at + _CHUNK.size:
                return None
            name, size = _CHUNK.unpack_from(self._buffer, at)
            at += _CHUNK.size
            if name == b"data":
                return (at, form, long_size if size == _UNKNOWN and long_size else size) if form else None
            self._fill(min(_MAX_HEADER, at + size))
            if name == b"fmt ":
                form = self._buffer[at : at + min(size, 16)]
            elif name == b"ds64":
                long_size = int.from_bytes(self._buffer[at + 8 : at + 16], "little")
            at += size + size % 2
        return None

    def _fill(self, size: int) -> None:
        """Hold at least ``size`` bytes, or all there are."""
        read = getattr(self._file, "read1", self._file.read)
        while len(self._buffer) < size and (more := read(max(_PIECE, size - len(self._buffer)))):
            self._buffer += more


def is_wav(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a WAV file."""
    return _HEADER.match(head) is not None
