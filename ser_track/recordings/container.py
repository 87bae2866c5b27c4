"""Opens files with FFmpeg, and explains why a file cannot be opened."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer

from ser_track.audio.limits import MAX_TRACKS, require_usual
from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.errors import AudioError
from ser_track.recordings.allocation_limit import limit_allocations
from ser_track.recordings.interrupts import kept_interrupts
from ser_track.recordings.wav import WavBytes, is_wav


@contextmanager
def open_file(path: Path) -> Iterator[tuple[InputContainer, WavBytes | None]]:
    """Open ``path``; a WAV file is read through `WavBytes`.

    Raises:
        AudioError: the file does not exist, is empty, or is not audio or video.
    """
    with ExitStack() as stack:
        try:
            if path.is_dir():
                raise AudioError(f"{path} is a directory; give the files in it")
            if not path.exists():
                raise AudioError(f"{path} does not exist; correct the path")
            if path.is_file() and path.stat().st_size == 0:
                raise AudioError(f"{path} is empty; record or copy it again")
            file = stack.enter_context(path.open("rb")) if path.is_file() else None
        except OSError as error:
            raise _unreadable(path, error) from error
        if file is not None and is_wav(head_of(file)):
            yield stack.enter_context(open_stream(file, path))
        else:  # "file:" keeps a colon in a name from being taken for a protocol
            yield stack.enter_context(_open_container(f"file:{path}", path)), None


@contextmanager
def open_stream(file: BinaryIO, name: Path | str) -> Iterator[tuple[InputContainer, WavBytes | None]]:
    """Do as `open_file` for ``file``, which need not be seekable; errors call it ``name``."""
    wav = WavBytes(file) if is_wav(head_of(file)) else None
    with kept_interrupts() as interrupts, _open_container(wav or file, name) as container:
        interrupts.raise_seen()
        if wav is not None:
            wav.interrupts = interrupts
        yield container, wav


def head_of(file: BinaryIO, size: int = 512) -> bytes:
    """Return the first bytes without moving the position."""
    if file.seekable():
        head = file.read(size)
        file.seek(0)
        return head
    return cast("BufferedReader", file).peek(size)[:size]


def _open_container(source: str | BinaryIO | RawIOBase, name: Path | str) -> InputContainer:
    limit_allocations()
    try:
        return av.open(source, mode="r", metadata_errors="replace")  # old tags are often not UTF-8
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(name, error) from error


def audio_streams(name: Path | str, container: InputContainer) -> list[AudioStream]:
    """The audio tracks of ``container``, at least one.

    Raises:
        AudioError: it has none, too many, or one with an unknown format or an impossible rate.
    """
    streams = list(container.streams.audio)
    if not streams:
        raise AudioError(f"{name} has no audio track; give a file with sound")
    if len(streams) > MAX_TRACKS:
        raise AudioError(f"{name} has {len(streams)} audio tracks; give a file with at most {MAX_TRACKS}")
    for stream in streams:
        if stream.codec_context is None:
            raise AudioError(f"{name} has audio in a format that this FFmpeg does not know; convert it to FLAC")
        _require_usual(name, stream.codec_context)
    return streams


def _require_usual(name: Path | str, codec: AudioCodecContext) -> None:
    """Refuse what the header announces, before anything is allocated for it; 0 means that it does not say."""
    try:
        require_usual(codec.sample_rate or SAMPLE_RATE_HZ, codec.channels or 1)
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from error


def _unreadable(name: Path | str, error: Exception) -> AudioError:
    reason = getattr(error, "strerror", None) or error
    return AudioError(f"{name} cannot be read as audio or video ({reason}); convert or replace it")
