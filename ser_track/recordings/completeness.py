"""Whether a file holds as much audio as its header announces."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

_ANNOUNCING: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "aiff")
"""Formats whose header says how long the audio is; in others FFmpeg guesses from the file size."""
_W64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_LEAST_BYTES: Final = 4096
"""Less after a file's end is padding or a tag."""


def cut_off(container: InputContainer, end_s: float, origin_s: Fraction) -> str | None:
    """Say that audio which ends at ``end_s`` ends too early; continues a sentence after the file's name.

    origin_s: the time of the container from which ``end_s`` is counted.
    """
    announced_s = _announced_s(container, origin_s)
    if announced_s is not None and end_s < announced_s - max(0.5, 0.05 * announced_s):
        return f"is cut off: it announces {announced_s:.1f} s and ends after {end_s:.1f} s"
    return None


def start_s(stream: Stream) -> Fraction | None:
    """When ``stream`` begins, on the container's clock; ``None`` if it is not known."""
    return None if stream.start_time is None or stream.time_base is None else stream.start_time * stream.time_base


def starts_s(container: InputContainer, without: int) -> list[Fraction]:
    """When each audio and video track begins, if that is known, but for the one with index ``without``.

    A cover picture is not a video.
    """
    tracks: list[Stream] = [*container.streams.audio, *container.streams.video]
    shown = [track for track in tracks if not track.disposition & Disposition.attached_pic and track.index != without]
    return [begin_s for track in shown if (begin_s := start_s(track)) is not None]


def _announced_s(container: InputContainer, origin_s: Fraction) -> float | None:
    if container.format.name not in _ANNOUNCING:
        return None
    streams = container.streams.audio
    if ends := [(start_s(s) or 0) + s.duration * s.time_base for s in streams if s.duration and s.time_base]:
        return float(max(ends) - origin_s)
    # Matroska announces only where its longest track ends: with a video track, that says nothing about the audio.
    if len(container.streams) > len(streams) or not container.duration:
        return None
    return (container.duration - (container.start_time or 0)) / av.time_base


def appended_bytes(path: Path) -> int:
    """How many bytes follow the end of the recording in ``path``, such as a second one; FFmpeg does not read them."""
    if not path.is_file():
        return 0
    size = path.stat().st_size
    with path.open("rb") as file:
        end = _end(file, size)
    return size - end if size - end >= _LEAST_BYTES else 0


def _end(file: BinaryIO, size: int) -> int:
    """Return where the recording ends by its own account; ``size`` if its format does not say."""
    head = file.read(24)
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return 8 + int.from_bytes(head[4:8]) if any(head[4:8]) else size
    if head[:16] == _W64:
        return int.from_bytes(head[16:24], "little") or size
    if head[4:8] == b"ftyp":
        return next((at for at, name in _boxes(file, size) if at and name == b"ftyp"), size)
    if head[:4] == b"caff":
        return next((at for at, name in _caf_chunks(file, size) if name == b"caff"), size)
    return size


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield place and name of each box of an MP4 file."""
    at = 0
    while at + 16 <= size:
        file.seek(at)
        head = file.read(16)
        yield at, head[4:8]
        length = int.from_bytes(head[:4])
        at += max(8, int.from_bytes(head[8:])) if length == 1 else length if length >= 8 else size


def _caf_chunks(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield place and name of each chunk of a CAF file."""
    at = 8
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        yield at, head[:4]
        length = int.from_bytes(head[4:], signed=True)
        at += 12 + length if length >= 0 else size
