"""What the engine holds of one stream, from its samples to what is known of the voice."""

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
    """What happened since the last tick that came to its end."""
    latest_prediction: tuple[tuple[int, int, int], Prediction] | None = None
    """The latest prediction for all of a segment so far, and its span: if nothing is added, it is the final one too."""
