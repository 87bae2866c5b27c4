"""Opens files with FFmpeg, and explains why a file cannot be opened."""

from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from ser_track.errors import AudioError


def open_file(path: Path) -> InputContainer:
    """Open ``path``.

    Raises:
        AudioError: the file does not exist, is empty, or is not audio or video.
    """
    try:
        if path.is_dir():
            raise AudioError(f"{path} is a directory; give the files in it")
        if not path.exists():
            raise AudioError(f"{path} does not exist; correct the path")
        if path.is_file() and path.stat().st_size == 0:
            raise AudioError(f"{path} is empty; record or copy it again")
    except OSError as error:
        raise _unreadable(path, error) from error
    return open_container(f"file:{path}", path)  # "file:" keeps a colon in a name from being taken for a protocol


def open_container(source: str | BinaryIO, name: Path | str) -> InputContainer:
    """Open ``source``, an FFmpeg address or a file that need not be seekable; errors call it ``name``.

    Raises:
        AudioError: it is not audio or video.
    """
    try:
        return av.open(source, mode="r", metadata_errors="replace")  # old tags are often not UTF-8
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(name, error) from error


def audio_streams(name: Path | str, container: InputContainer) -> list[AudioStream]:
    """The audio tracks of ``container``, at least one.

    Raises:
        AudioError: it has none, or one in an unknown format.
    """
    streams = list(container.streams.audio)
    if not streams:
        raise AudioError(f"{name} has no audio track; give a file with sound")
    for stream in streams:
        if stream.codec_context is None:
            raise AudioError(f"{name} has audio in a format that this FFmpeg does not know; convert it to FLAC")
    return streams


def _unreadable(name: Path | str, error: Exception) -> AudioError:
    reason = getattr(error, "strerror", None) or error
    return AudioError(f"{name} cannot be read as audio or video ({reason}); convert or replace it")
