"""Reads any audio or video file that FFmpeg opens: decoded once, chunk by chunk, in bounded memory."""

from collections.abc import Iterable, Iterator
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

from ser_track.audio.limits import MAX_TRACKS
from ser_track.chunk import FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.completeness import appended_bytes, cut_off, starts_s
from ser_track.recordings.container import audio_streams, open_file, open_stream
from ser_track.recordings.remarks import QuietTracks
from ser_track.recordings.streams import has_timestamps, language_remark, name_of, stands_for_a_pause
from ser_track.recordings.tracks import Track, channel_names, unique_names
from ser_track.recordings.wav import WavBytes

_REPLACE: Final = "repair or replace the file"


class FileRecording:
    """An open file. ``participants`` are known at once; iterating decodes, once, from the beginning to the end."""

    def __init__(
        self,
        path: Path | str,
        container: InputContainer,
        streams: list[AudioStream],
        split: bool,
        wav: WavBytes | None = None,
    ) -> None:
        """Decode ``streams`` of ``container``, which reads ``wav`` if given; with ``split``, channels are participants.

        Raises:
            AudioError: there would be too many participants.
        """
        self._path = path
        self._wav = wav
        self._container = container
        names = unique_names(name_of(stream, number) for number, stream in enumerate(streams, 1))
        counts = [max(1, stream.codec_context.channels) if split else 1 for stream in streams]
        if sum(counts) > MAX_TRACKS:
            raise AudioError(f"{path} has {sum(counts)} channels; give at most {MAX_TRACKS}, or use --channels mix")
        several = zip(names, counts, strict=True)
        participants = iter(unique_names(channel for name, count in several for channel in channel_names(name, count)))
        self._tracks = {
            stream.index: Track(name, tuple(islice(participants, count)), has_timestamps(container))
            for stream, name, count in zip(streams, names, counts, strict=True)
        }
        self._streams = streams
        self._quiet = QuietTracks()
        self._origin_s: Fraction | None = None
        self._damaged_packets = 0

    @property
    def participants(self) -> tuple[str, ...]:
        """Unique names, in the order of the tracks."""
        return tuple(name for track in self._tracks.values() for name in track.participants)

    @property
    def duration_s(self) -> float | None:
        """Approximate length of the file, for progress; ``None`` if unknown."""
        if self._container.duration is not None:
            return self._container.duration / av.time_base
        if self._wav is not None and self._wav.bytes_per_s and isinstance(self._path, Path):
            return self._path.stat().st_size / self._wav.bytes_per_s
        return None

    @property
    def remarks(self) -> list[str]:
        """After iterating: what makes results poor, and the remedy; each continues a sentence after the file's name."""
        own = [remark for track in self._tracks.values() for remark in track.remarks()]
        dubbed = language_remark(self._streams)
        return [*own, *([] if dubbed is None else [dubbed]), *self._quiet.remarks()]

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
                if self._wav is not None:
                    self._wav.interrupts.raise_seen()
                yield from self._heard(self._decode(packet))
        except (av.FFmpegError, OSError, AudioError) as error:
            stopped = error
        for track in self._tracks.values():
            yield from self._heard(track.flush())
        if problems := list(self._problems(stopped)):
            raise AudioError(f"{self._path} {'; it '.join(problems)}")

    def _heard(self, chunks: Iterable[ParticipantChunk]) -> Iterator[ParticipantChunk]:
        for each in chunks:
            self._quiet.hear(*each)
            yield each

    def _decode(self, packet: "av.Packet[Stream]") -> Iterator[ParticipantChunk]:
        if stands_for_a_pause(packet):  # its time passes: the timestamps go on
            return
        track = self._tracks[packet.stream.index]
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self._damaged_packets += 1
            track.skip()
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                yield from track.read(frame, self._origin(packet.stream.index, frame))

    def _origin(self, index: int, frame: av.AudioFrame) -> Fraction:
        """Return the start of the time axis, as players have it: where the first of the audio and video tracks begins.

        For the first frame's own track, the frame is more accurate: containers round, and differ on encoder delay.
        """
        if self._origin_s is None:
            first_s = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
            begins_s = starts_s(self._container, index)
            self._origin_s = min(begins_s if first_s is None else [first_s, *begins_s], default=Fraction(0))
        return self._origin_s

    def _problems(self, stopped: Exception | None) -> Iterator[str]:
        heard = f"{self.position_s:.1f} s"
        if stopped is not None:
            yield f"cannot be read beyond {heard} ({stopped}); {_REPLACE}"
        elif self._damaged_packets:
            yield f"is damaged: {self._damaged_packets} packet(s) within {heard} could not be decoded; {_REPLACE}"
        elif (short := cut_off(self._container, self.position_s, self._origin_s or Fraction(0))) is not None:
            yield f"{short}; {_REPLACE}"
        if isinstance(self._path, Path) and (more := appended_bytes(self._path)):
            yield f"holds {more} bytes after the end that its header announces, which were not analysed: split the file"
        if self._wav is not None and self._wav.problem is not None:
            yield self._wav.problem
        yield from (track.problem for track in self._tracks.values() if track.problem is not None)


@contextmanager
def open_tracks(path: Path, split_channels: bool = False) -> Iterator[FileRecording]:
    """Open ``path``; every audio track, or every channel of it, is a participant.

    Names are the track's title, else ``track-1`` and so on; channels of stereo get ``-left`` and ``-right``. Sample 0
    is the start of the earliest audio or video track; tracks keep their relative offsets.

    Raises:
        AudioError: the file does not exist, is empty, is not audio or video, has no audio track, or announces rates
            or numbers that no recording of speech has.
    """
    with open_file(path) as (container, wav):
        yield FileRecording(path, container, audio_streams(path, container), split_channels, wav)


@contextmanager
def open_streamed(file: BinaryIO, name: str, split_channels: bool = False) -> Iterator[FileRecording]:
    """Do as `open_tracks` for ``file``, which need not be seekable; ``name`` is for errors."""
    with open_stream(file, name) as (container, wav):
        yield FileRecording(name, container, audio_streams(name, container), split_channels, wav)


def read_mono(path: Path) -> FloatArray:
    """Read the main audio track of ``path`` as mono ``[n]`` at 16 kHz, without gaps; memory grows with length.

    Raises:
        AudioError: as `open_tracks`, or the file is damaged, or holds no samples.
    """
    with open_file(path) as (container, wav):
        streams = audio_streams(path, container)
        best = container.streams.best("audio")
        chosen = [stream for stream in streams if best is None or stream.index == best.index][:1]
        chunks = [chunk for _, chunk in FileRecording(path, container, chosen, split=False, wav=wav)]
    if not chunks:
        raise AudioError(f"{path} holds no samples; give a longer recording")
    return np.concatenate([chunk.samples for chunk in chunks])
