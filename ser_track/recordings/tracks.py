"""The audio tracks of a container as participants: their names, their time, their channels."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np

from ser_track.audio.frames import FrameConverter, frame_to_channels
from ser_track.chunk import Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError

_STEREO: Final = ("left", "right")


class Track:
    """Converts one audio track's frames to chunks, for one participant or one per channel.

    If a file's timestamps overlap, a chunk may begin before the end of the previous one.
    """

    def __init__(self, name: str, participants: tuple[str, ...]) -> None:
        """One participant gets the average of all channels; several get one channel each, in equal number."""
        self.name = name
        self.participants = participants
        self.end_s = Fraction(0)
        """End of the latest frame, counted from the origin."""
        self._converters = [FrameConverter() for _ in self.participants]

    def read(self, frame: av.AudioFrame, origin_s: Fraction) -> Iterator[ParticipantChunk]:
        """The chunks that ``frame`` completes; ``origin_s`` is the time of the container that becomes sample 0.

        Raises:
            AudioError: samples that are not finite numbers, or the number of channels changed.
        """
        self._shift(frame, origin_s)
        for participant, converter, part in zip(self.participants, self._converters, self._parts(frame), strict=True):
            yield from _after_origin(participant, converter.convert(part))

    def flush(self) -> Iterator[ParticipantChunk]:
        """Yield the samples that the resamplers hold back at the end."""
        for participant, converter in zip(self.participants, self._converters, strict=True):
            yield from _after_origin(participant, converter.flush())

    def _shift(self, frame: av.AudioFrame, origin_s: Fraction) -> None:
        if frame.pts is None or frame.time_base is None:
            self.end_s += Fraction(frame.samples, frame.sample_rate)
            return
        begin_s = frame.pts * frame.time_base - origin_s
        # Samples are a finer unit than most containers' own (a millisecond in Matroska), so nothing is lost.
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(begin_s * frame.sample_rate)
        self.end_s = begin_s + Fraction(frame.samples, frame.sample_rate)

    def _parts(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        if len(self.participants) == 1:
            return [frame]
        channels = frame_to_channels(frame)
        expected, found = len(self.participants), channels.shape[1]
        if found != expected:
            change = f"changes from {expected} to {found} channels at {float(self.end_s):.1f} s"
            raise AudioError(f"track '{self.name}' {change} and cannot be split; use --channels mix")
        return [_mono_frame(channels[:, index], frame) for index in range(expected)]


def unique_names(names: Iterable[str]) -> list[str]:
    """Return ``names`` in order, repeated ones numbered: no two participants may share a name."""
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.append(candidate)
    return taken


def _after_origin(participant: str, converted: Iterable[Chunk]) -> Iterator[ParticipantChunk]:
    """Leave out samples from before the origin: they are an encoder's padding, not recorded sound."""
    for chunk in converted:
        if chunk.end > 0:
            yield ParticipantChunk(participant, Chunk(max(0, chunk.at), chunk.samples[max(0, -chunk.at) :]))


def channel_names(name: str, channels: int) -> tuple[str, ...]:
    """Return the names of the participants for the channels of track ``name``."""
    if channels <= 1:
        return (name,)
    if channels == len(_STEREO):
        return tuple(f"{name}-{side}" for side in _STEREO)
    return tuple(f"{name}-channel-{number}" for number in range(1, channels + 1))


def _mono_frame(samples: FloatArray, like: av.AudioFrame) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = like.sample_rate, like.pts, like.time_base
    return frame
