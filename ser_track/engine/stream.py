"""The state that the engine keeps for one stream, from its samples to its voice profile."""

from dataclasses import dataclass, field

from ser_track.engine.segmenter import Segmenter
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
    events: list[EngineEvent] = field(default_factory=list)
    """Events since the last tick that completed."""
    latest_prediction: tuple[tuple[int, int, int], Prediction] | None = None
    """The latest prediction for a whole segment so far, and its span: if nothing is added, it is also the final one."""
