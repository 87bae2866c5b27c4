"""One stream: the state that the engine keeps, from its samples to its voice profile, and what it has to classify."""

from dataclasses import dataclass, field

from ser_track.engine.segmenter import Segment, Segmenter
from ser_track.engine.smoothing import Smoothing
from ser_track.engine.windows import WindowBuffer
from ser_track.event_types import EngineEvent, StreamKey
from ser_track.protocols import DetectorState, Prediction
from ser_track.voice_profile import VoiceProfile


@dataclass(slots=True, eq=False)
class Stream:
    """One participant's stream."""

    key: StreamKey
    windows: WindowBuffer
    segmenter: Segmenter
    detection: DetectorState
    voice: VoiceProfile | None
    smoothing: Smoothing
    left_out: int = 0
    """Windows that were left out since the last one that the detector heard."""
    events: list[EngineEvent] = field(default_factory=list)
    """Events since the last tick that completed."""
    latest_prediction: tuple[tuple[int, int, int], Prediction] | None = None
    """The latest prediction for a whole segment so far, and its span: if nothing is added, it is also the final one."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationJob:
    """One segment of a stream to classify, or the part of it that has arrived so far."""

    stream: Stream
    start: int
    """Where the segment began, which may be before the audio to classify."""
    audio: Segment
    final: bool
    in_pause: bool = False
    """Whether a provisional result is that of the whole segment, in a pause that may be its end."""

    @property
    def key(self) -> StreamKey:
        """The key of the stream."""
        return self.stream.key

    @property
    def span(self) -> tuple[int, int, int]:
        """The part of the segment that is classified: segment number, start, end."""
        return self.audio.number, self.audio.start, self.audio.end
