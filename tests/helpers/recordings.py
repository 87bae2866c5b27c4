"""Writes recordings of every kind with PyAV, as recorders would."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from ser_track.chunk import FloatArray

_LAYOUTS: Final = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


@dataclass
class Sound:
    """One audio track: ``samples`` ``[n, channels]`` at ``rate_hz``, beginning ``start_s`` after the file's zero."""

    samples: FloatArray
    rate_hz: int = 16_000
    start_s: float = 0
    metadata: dict[str, str] = field(default_factory=dict)
    frame_s: float = 0.1
    stamp: Callable[[float], float] = float
    """The timestamp that the recorder gives to a frame that begins at this time."""

    @property
    def layout(self) -> str:
        return _LAYOUTS[self.samples.shape[1]]

    def frames(self) -> Iterator[av.AudioFrame]:
        """Frames of ``frame_s``."""
        step = round(self.rate_hz * self.frame_s)
        for begin in range(0, len(self.samples), step):
            part = self.samples[begin : begin + step].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=self.layout)
            frame.sample_rate = self.rate_hz
            frame.pts = round(self.stamp(self.start_s + begin / self.rate_hz) * self.rate_hz)
            yield frame


def record(path: Path, codec: str, sounds: Sequence[Sound], video: bool = False, video_s: float = 0) -> Path:
    """Write ``sounds``, one after the other, to ``path``; its suffix says in which container.

    video: whether there is a picture too, which begins at ``video_s``.
    """
    with av.open(str(path), "w") as file:
        picture = _add_picture(file) if video else None
        streams = [_add_sound(file, codec, sound) for sound in sounds]
        if picture is not None:
            _draw(file, picture, video_s)
        for stream, sound in zip(streams, sounds, strict=True):
            for frame in sound.frames():
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return path


def _add_sound(file: OutputContainer, codec: str, sound: Sound) -> AudioStream:
    stream = file.add_stream(codec, rate=sound.rate_hz, layout=sound.layout)
    assert isinstance(stream, AudioStream)
    stream.metadata.update(sound.metadata)
    return stream


def _add_picture(file: OutputContainer) -> VideoStream:
    stream = file.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    return stream


def _draw(file: OutputContainer, stream: VideoStream, begin_s: float) -> None:
    """Two seconds of grey."""
    for number in range(20):
        image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number, np.uint8), format="rgb24")
        image.pts = round(10 * begin_s) + number
        file.mux(stream.encode(image))
    file.mux(stream.encode(None))
