"""Reads compressed recordings of packets as if they were not compressed, and names what is compressed otherwise."""

import bz2
import errno
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, cast

_READERS: Final[dict[bytes, tuple[str, Callable[[BinaryIO], BinaryIO]]]] = {
    b"\x1f\x8b": ("gzip", lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file))),
    b"BZh": ("bzip2", lambda file: cast("BinaryIO", bz2.BZ2File(file))),
    b"\xfd7zXZ\0": ("xz", lambda file: cast("BinaryIO", lzma.LZMAFile(file))),  # noqa: SIM115  # the file is open
}
_NAMES: Final = {
    **{magic: name for magic, (name, _) in _READERS.items()},
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\3\4": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
}


def compression(head: bytes) -> str | None:
    """Return how a file that begins with ``head`` is compressed, if it is."""
    return next((name for magic, name in _NAMES.items() if head.startswith(magic)), None)


def is_readable(name: str) -> bool:
    """Whether `decompressed` reads this compression."""
    return any(name == each for each, _ in _READERS.values())


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return what is in ``file``, which can be read again from its beginning; ``file`` itself if it is not compressed.

    Its `read` raises `OSError` where the compressed data is damaged.
    """
    file.seek(0)
    head = file.read(max(map(len, _READERS)))
    file.seek(0)
    for magic, (_, reader) in _READERS.items():
        if head.startswith(magic):
            return io.BufferedReader(_Raw(reader(file)))
    return file


class _Raw(io.RawIOBase):
    """Has one kind of error where each of the decompressors has its own."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed: any writable buffer
        try:
            data = self._reader.read(len(buffer))
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise OSError(errno.EIO, f"its compressed data is damaged or cut off: {error}") from error
        buffer[: len(data)] = data
        return len(data)
