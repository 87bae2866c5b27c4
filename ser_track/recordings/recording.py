"""Opens recordings: a file that FFmpeg opens, recorded packets, or either from standard input."""

import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Final, Protocol, cast

from ser_track.chunk import ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.container import head_of
from ser_track.recordings.file import open_streamed, open_tracks
from ser_track.recordings.packets.compression import compression, is_readable
from ser_track.recordings.packets.packet_formats import HEAD_BYTES, holds_packets, is_packets, open_dump
from ser_track.recordings.packets.packet_recording import PacketRecording
from ser_track.shortages import naming

STDIN: Final = Path("-")


class Recording(Protocol):
    """``participants`` are known at once; iterating reads it once, from beginning to end.

    `AudioError` is raised after all readable chunks.
    """

    @property
    def participants(self) -> tuple[str, ...]:
        """Unique names."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Approximate length, for progress; ``None`` if unknown."""
        ...

    @property
    def position_s(self) -> float:
        """How far it has been read."""
        ...

    @property
    def remarks(self) -> list[str]:
        """After iterating: what makes results poor, and the remedy; each continues a sentence after the file's name."""
        ...

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Chunks of all participants, in order of arrival."""
        ...


@contextmanager
def open_recording(path: Path, *, split_channels: bool = False, payload_type: int | None = None) -> Iterator[Recording]:
    """Open ``path``, or standard input if it is `STDIN`; ``payload_type`` is RTP's for Opus, if it is not detected.

    Raises:
        AudioError: it contains no audio that can be decoded.
    """
    with ExitStack() as stack:
        if path == STDIN:
            file = stack.enter_context(_standard_input())
            if not file.seekable() or not is_packets(file):
                _refuse_compressed(head_of(file), "standard input")
                yield stack.enter_context(open_streamed(file, "standard input", split_channels))
                return
        elif not path.is_file() or not is_dump(path):
            if path.is_file():
                _refuse_compressed(_first_bytes(path), str(path))
            yield stack.enter_context(open_tracks(path, split_channels))
            return
        else:
            file = stack.enter_context(path.open("rb"))
        yield PacketRecording(str(path), [open_dump(file, path)], payload_type, split_channels)


@contextmanager
def open_meeting(
    paths: Sequence[Path], *, split_channels: bool = False, payload_type: int | None = None
) -> Iterator[Recording]:
    """Open ``paths``, recordings of packets, as one meeting on one time axis, by the time of day in them.

    Raises:
        AudioError: one of them is not a recording of packets, or cannot be read.
    """
    with ExitStack() as stack:
        dumps = []
        for path in paths:
            if not is_dump(path):
                raise AudioError(f"{path} has no time of day, so it cannot be combined with others; give it alone")
            dumps.append(open_dump(stack.enter_context(path.open("rb")), path))
        yield PacketRecording(str(paths[0]), dumps, payload_type, split_channels)


def is_dump(path: Path) -> bool:
    """Whether ``path`` is a recording of packets, by its content.

    Raises:
        AudioError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return is_packets(file)
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}); correct the path or the permissions") from error


def _refuse_compressed(head: bytes, name: str) -> None:
    if (how := compression(head)) is not None:
        found = "no recorded packets were found in it" if is_readable(how) else "that compression is not read"
        raise AudioError(f"{name} is compressed ({how}), and {found}; decompress it first")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


@contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Open standard input; formats that must be read twice or from the end go through an unnamed temporary file."""
    given = cast("io.BufferedReader", sys.stdin.buffer)
    if given.seekable():
        yield given
        return
    head = head_of(given)
    packets = holds_packets(head) or compression(head) is not None
    if not packets and head[4:8] != b"ftyp":  # MP4 may have its table of contents at the end
        yield given
        return
    with tempfile.TemporaryFile() as whole:
        with naming(f"the temporary folder {tempfile.gettempdir()}"):
            copyfileobj(given, whole)
            whole.flush()
        whole.seek(0)
        yield cast("BinaryIO", whole)
