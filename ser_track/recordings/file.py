"""Reads any audio or video file that FFmpeg opens: decoded once, chunk by chunk, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from ser_track.chunk import FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.container import audio_streams, open_container, open_file
from ser_track.recordings.tracks import Track, channel_names, unique_names

_ANNOUNCING: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "aiff")
"""Formats whose header says how long the audio is; in others FFmpeg guesses from the file size."""
_RIFF_SIZE_UNKNOWN: Final = 0x7FFF_0000
"""Recorders that write into a pipe announce about 2 or 4 GiB, because they do not know the length yet."""


class FileRecording:
    """An open file. ``participants`` are known at once; iterating decodes, once, from the beginning to the end."""

    def __init__(self, path: Path | str, container: InputContainer, streams: list[AudioStream], split: bool) -> None:
        """Decode ``streams`` of ``container``; with ``split``, each channel is a participant."""
        self._path = path
        self._container = container
        names = unique_names(_name_of(stream, number) for number, stream in enumerate(streams, 1))
        counts = [max(1, stream.codec_context.channels) if split else 1 for stream in streams]
        several = zip(names, counts, strict=True)
        participants = iter(unique_names(channel for name, count in several for channel in channel_names(name, count)))
        self._tracks = {
            stream.index: Track(name, tuple(islice(participants, count)))
            for stream, name, count in zip(streams, names, counts, strict=True)
        }
        self._streams = streams
        self._origin_s: Fraction | None = None
        self._damaged_packets = 0

    @property
    def participants(self) -> tuple[str, ...]:
        """Unique names, in the order of the tracks."""
        return tuple(name for track in self._tracks.values() for name in track.participants)

    @property
    def duration_s(self) -> float | None:
        """Approximate length of the file, for progress; ``None`` if unknown."""
        return None if self._container.duration is None else self._container.duration / av.time_base

    @property
    def position_s(self) -> float:
        """How far decoding has progressed."""
        return float(max(track.end_s for track in self._tracks.values()))

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """Chunks of all participants in file order; damaged parts are left out and become gaps.

        Raises:
            AudioError: after all that could be decoded: part of the file is missing or damaged.
        """
        stopped: Exception | None = None
        try:
            for packet in self._container.demux(*self._streams):
                yield from self._decode(packet)
        except (av.FFmpegError, OSError) as error:
            stopped = error
        for track in self._tracks.values():
            yield from track.flush()
        if problem := self._problem(stopped):
            raise AudioError(f"{self._path} {problem}; repair or replace the file")

    def _decode(self, packet: "av.Packet[Stream]") -> Iterator[ParticipantChunk]:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self._damaged_packets += 1
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                origin_s = self._origin(packet.stream.index, frame)
                yield from self._tracks[packet.stream.index].read(frame, origin_s)

    def _origin(self, index: int, frame: av.AudioFrame) -> Fraction:
        """Return the start of the time axis: the first frame, or earlier if another track announces an earlier start.

        For the first frame's own track, the frame is more accurate: containers round, and differ on encoder delay.
        """
        if self._origin_s is None:
            first_s = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            others = [_start_s(stream) for stream in self._streams if stream.index != index]
            self._origin_s = min(
                (begin_s for begin_s in (first_s, *others) if begin_s is not None), default=Fraction(0)
            )
        return self._origin_s

    def _problem(self, stopped: Exception | None) -> str | None:
        heard = f"{self.position_s:.1f} s"
        if stopped is not None:
            return f"cannot be read beyond {heard} ({stopped})"
        if self._damaged_packets:
            return f"is damaged: {self._damaged_packets} packet(s) within {heard} could not be decoded"
        announced_s = _announced_s(self._container)
        if announced_s is not None and self.position_s < announced_s - max(0.5, 0.05 * announced_s):
            return f"is cut off: it announces {announced_s:.1f} s and ends after {heard}"
        if isinstance(self._path, Path) and _riff_cut_off(self._path):
            return f"is cut off: it ends after {heard}, before the length that its header announces"
        return None


@contextmanager
def open_tracks(path: Path, split_channels: bool = False) -> Iterator[FileRecording]:
    """Open ``path``; every audio track, or every channel of it, is a participant.

    Names are the track's title, else its language, else ``track-1`` and so on; channels of stereo get ``-left`` and
    ``-right``. Sample 0 is the start of the earliest track; tracks keep their relative offsets.

    Raises:
        AudioError: the file does not exist, is empty, is not audio or video, or has no audio track.
    """
    with open_file(path) as container:
        yield FileRecording(path, container, audio_streams(path, container), split_channels)


@contextmanager
def open_stream(file: BinaryIO, name: str, split_channels: bool = False) -> Iterator[FileRecording]:
    """Do as `open_tracks` for ``file``, which need not be seekable; ``name`` is for errors."""
    with open_container(file, name) as container:
        yield FileRecording(name, container, audio_streams(name, container), split_channels)


def read_mono(path: Path) -> FloatArray:
    """Read the main audio track of ``path`` as mono ``[n]`` at 16 kHz, without gaps; memory grows with length.

    Raises:
        AudioError: as `open_tracks`, or the file is damaged, or holds no samples.
    """
    with open_file(path) as container:
        streams = audio_streams(path, container)
        best = container.streams.best("audio")
        chosen = [stream for stream in streams if best is None or stream.index == best.index][:1]
        chunks = [chunk for _, chunk in FileRecording(path, container, chosen, split=False)]
    if not chunks:
        raise AudioError(f"{path} holds no samples; give a longer recording")
    return np.concatenate([chunk.samples for chunk in chunks])


def _start_s(stream: AudioStream) -> Fraction | None:
    return None if stream.start_time is None or stream.time_base is None else stream.start_time * stream.time_base


def _name_of(stream: AudioStream, number: int) -> str:
    language = stream.language if stream.language != "und" else None
    return stream.metadata.get("title", "").strip() or language or f"track-{number}"


def _announced_s(container: InputContainer) -> float | None:
    if container.format.name not in _ANNOUNCING:
        return None
    streams = container.streams.audio
    if ends := [float(s.duration * s.time_base) for s in streams if s.duration and s.time_base]:
        return max(ends)
    # Matroska announces only where its longest track ends: with a video track, that says nothing about the audio.
    if len(container.streams) > len(streams) or not container.duration:
        return None
    return (container.duration - (container.start_time or 0)) / av.time_base


def _riff_cut_off(path: Path) -> bool:
    """Check the header of a WAV file: FFmpeg treats a file that was cut off as a shorter one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and 0 < size < _RIFF_SIZE_UNKNOWN and path.stat().st_size + 1 < size + 8
