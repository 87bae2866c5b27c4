"""The audio tracks of a container as participants: their names, their time, their channels."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np

from ser_track.audio.frames import FLOATS, FrameConverter, frame_to_channels
from ser_track.audio.mixing import ChannelMixer
from ser_track.audio.pcm import LOUDEST, usable
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk, FloatArray, ParticipantChunk
from ser_track.errors import AudioError
from ser_track.recordings.steady_clock import SteadyClock

_STEREO: Final = ("left", "right")
_MAX_STRETCHES: Final = 3
_SAME_STRETCH_S: Final = 1.0


class Track:
    """Converts one audio track's frames to chunks, for one participant or one per channel.

    If a file's timestamps overlap, a chunk may begin before the end of the previous one.
    """

    def __init__(self, name: str, participants: tuple[str, ...], timed: bool = True) -> None:
        """One participant gets the mix of all channels; several get one channel each, in equal number.

        timed: whether timestamps are the recorder's. Otherwise only the first one counts, and then the samples.
        """
        self.name = name
        self.participants = participants
        self.end_s = Fraction(0)
        """End of the latest frame, counted from the origin."""
        self._timed = timed
        self._clock = SteadyClock[tuple[FloatArray, int]]()
        self._frame_s: Fraction | None = None
        """Duration of the latest frame; ``None`` before the first."""
        self._mixer = ChannelMixer()
        self._rate_hz = SAMPLE_RATE_HZ
        self._peak = 0.0
        self._unusable: list[tuple[float, float]] = []
        """Stretches of samples that were left out, in seconds."""
        self._converters = [FrameConverter() for _ in self.participants]

    def read(self, frame: av.AudioFrame, origin_s: Fraction) -> Iterator[ParticipantChunk]:
        """The chunks that ``frame`` completes; ``origin_s`` is the time of the container that becomes sample 0.

        Raises:
            AudioError: the sample format or the rate cannot be read, or the number of channels changed.
        """
        channels, rate_hz = frame_to_channels(frame), frame.sample_rate
        begin_s = None
        if frame.pts is not None and frame.time_base is not None and (self._timed or self._frame_s is None):
            begin_s = frame.pts * frame.time_base - origin_s
        if frame.format.packed.name in FLOATS:
            channels = self._without_unusable(channels, self.end_s if begin_s is None else begin_s, rate_hz)
        self._frame_s, self._rate_hz = Fraction(len(channels), rate_hz), rate_hz
        for placed in self._clock.put((channels, rate_hz), begin_s, self._frame_s):
            yield from self._convert(*placed)

    def skip(self) -> None:
        """Leave a gap for a frame that could not be decoded, if the timestamps do not tell."""
        if not self._timed and self._frame_s is not None:
            self._clock.skip(self._frame_s)

    def flush(self) -> Iterator[ParticipantChunk]:
        """Yield the samples that are held back at the end."""
        for placed in self._clock.flush():
            yield from self._convert(*placed)
        for participant, converter in zip(self.participants, self._converters, strict=True):
            yield from _after_origin(participant, converter.flush())

    @property
    def problem(self) -> str | None:
        """What could not be heard; continues a sentence after the file's name."""
        if not self._unusable:
            return None
        places = ", ".join(f"{begin_s:.3f} to {end_s:.3f} s" for begin_s, end_s in self._unusable[:_MAX_STRETCHES])
        more = len(self._unusable) - _MAX_STRETCHES
        places += f" and {more} more stretches" if more > 0 else ""
        what = f"has samples in '{self.name}' that are not finite numbers, or far beyond full scale"
        return f"{what}: {places}; these were left out, correct the program that wrote them"

    def remarks(self) -> Iterator[str]:
        """What else was noticed; each text continues a sentence after the file's name."""
        if (mixing := self._mixer.remark(self.name, self._rate_hz)) is not None:
            yield mixing
        if self._peak > LOUDEST:
            yield (
                f"has float samples up to {self._peak:.0f} in '{self.name}', where 1 is full scale; if its scale "
                "is that of 16 bits, convert it first: ffmpeg -i FILE -af volume=1/32768 -c:a pcm_f32le OUT.wav"
            )

    def _convert(self, held: tuple[FloatArray, int], begin_s: Fraction) -> Iterator[ParticipantChunk]:
        channels, rate_hz = held
        self.end_s = begin_s + Fraction(len(channels), rate_hz)
        for participant, converter, part in zip(self.participants, self._converters, self._parts(held), strict=True):
            yield from _after_origin(participant, converter.add(part, rate_hz, float(begin_s)))

    def _parts(self, held: tuple[FloatArray, int]) -> list[FloatArray]:
        channels, _ = held
        expected, found = len(self.participants), channels.shape[1]
        if expected == 1:
            return [self._mixer.mix(channels)]
        if found != expected:
            change = f"changes from {expected} to {found} channels at {float(self.end_s):.1f} s"
            raise AudioError(f"track '{self.name}' {change} and cannot be split; use --channels mix")
        return [np.ascontiguousarray(channels[:, index]) for index in range(expected)]

    def _without_unusable(self, channels: FloatArray, begin_s: Fraction, rate_hz: int) -> FloatArray:
        """Return ``channels`` with zeros where a sample is not a finite number, and note where that is."""
        places = np.flatnonzero(~usable(channels).all(axis=1))
        if len(places):
            channels = channels.copy()
            channels[places] = 0
            first_s, end_s = (float(begin_s) + place / rate_hz for place in (places[0], places[-1] + 1))
            if self._unusable and first_s - self._unusable[-1][1] < _SAME_STRETCH_S:
                first_s, _ = self._unusable.pop()
            self._unusable.append((float(first_s), float(end_s)))
        self._peak = max(self._peak, float(np.abs(channels).max(initial=0)))
        return channels


def unique_names(names: Iterable[str]) -> list[str]:
    """Return ``names`` in order, repeated ones numbered: no two participants may share a name."""
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.append(candidate)
    return taken


def channel_names(name: str, channels: int) -> tuple[str, ...]:
    """Return the names of the participants for the channels of track ``name``."""
    if channels <= 1:
        return (name,)
    if channels == len(_STEREO):
        return tuple(f"{name}-{side}" for side in _STEREO)
    return tuple(f"{name}-channel-{number}" for number in range(1, channels + 1))


def _after_origin(participant: str, converted: Iterable[Chunk]) -> Iterator[ParticipantChunk]:
    """Leave out samples from before the origin: they are an encoder's padding, not recorded sound."""
    for chunk in converted:
        if chunk.end > 0:
            yield ParticipantChunk(participant, Chunk(max(0, chunk.at), chunk.samples[max(0, -chunk.at) :]))
