"""Speech emotion recognition for every voice in a conference or a recording.

    SERPipeline              one participant: bytes in, probabilities out
    events, aevents          typed events of a file or an array, of audio that arrives piece by piece
    to_dataframe             a pandas table of events
    embed                    what the model makes of a clip before it decides, for a classifier of your own
    Bot, join                the bot in meetings on other servers, and the events there
    SERTrack                 taps an aiortc audio track

All public names are here; `dir(ser_track)` lists them. The modules that define them are private and may change.
docs/library.md is the guide.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ser_track.async_event_iterators import aevents
    from ser_track.audio.track import PushChunk, SERTrack
    from ser_track.bot import Bot, join
    from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Chunk, FloatArray
    from ser_track.config.pipeline_options import PipelineOptions
    from ser_track.config.schema import (
        Config,
        IceServer,
        MeetingsConfig,
        PipelineConfig,
        RoomsConfig,
        RuntimeConfig,
        SampleFormat,
        ServerConfig,
        load_config,
    )
    from ser_track.embedding import embed
    from ser_track.errors import (
        AudioError,
        BadRequestError,
        CalledBackError,
        ClosedError,
        ConfigError,
        ForbiddenError,
        InferenceError,
        JoinError,
        MeetingError,
        MeetingFullError,
        ModelError,
        NotFoundError,
        NoWorkerError,
        OverloadedError,
        SegmentError,
        SerTrackError,
        WorkerError,
    )
    from ser_track.event_iterators import events
    from ser_track.event_types import (
        Announcement,
        Consent,
        ConsentChanged,
        Emotion,
        EncodedEvent,
        EndReason,
        EngineEvent,
        Event,
        Fault,
        Joined,
        Left,
        MeetingChanged,
        MeetingState,
        Notice,
        Resumed,
        SpeechEnded,
        SpeechStarted,
        Stalled,
        StreamKey,
    )
    from ser_track.labels import Label, LabelSet
    from ser_track.meetings.session import Session
    from ser_track.models import Models, load_models
    from ser_track.output.dataframe import to_dataframe
    from ser_track.pipeline import SERPipeline
    from ser_track.protocols import DetectorState, EmotionClassifier, Prediction, Sink, VoiceDetector
    from ser_track.symbols import Colour, Symbol
    from ser_track.voice_profile import VoiceEvidence, VoiceProfile

    __version__: str

__all__ = [
    "SAMPLE_RATE_HZ",
    "WINDOW_SAMPLES",
    "Announcement",
    "AudioError",
    "BadRequestError",
    "Bot",
    "CalledBackError",
    "Chunk",
    "ClosedError",
    "Colour",
    "Config",
    "ConfigError",
    "Consent",
    "ConsentChanged",
    "DetectorState",
    "Emotion",
    "EmotionClassifier",
    "EncodedEvent",
    "EndReason",
    "EngineEvent",
    "Event",
    "Fault",
    "FloatArray",
    "ForbiddenError",
    "IceServer",
    "InferenceError",
    "JoinError",
    "Joined",
    "Label",
    "LabelSet",
    "Left",
    "MeetingChanged",
    "MeetingError",
    "MeetingFullError",
    "MeetingState",
    "MeetingsConfig",
    "ModelError",
    "Models",
    "NoWorkerError",
    "NotFoundError",
    "Notice",
    "OverloadedError",
    "PipelineConfig",
    "PipelineOptions",
    "Prediction",
    "PushChunk",
    "Resumed",
    "RoomsConfig",
    "RuntimeConfig",
    "SERPipeline",
    "SERTrack",
    "SampleFormat",
    "SegmentError",
    "SerTrackError",
    "ServerConfig",
    "Session",
    "Sink",
    "SpeechEnded",
    "SpeechStarted",
    "Stalled",
    "StreamKey",
    "Symbol",
    "VoiceDetector",
    "VoiceEvidence",
    "VoiceProfile",
    "WorkerError",
    "__version__",
    "aevents",
    "embed",
    "events",
    "join",
    "load_config",
    "load_models",
    "to_dataframe",
]

_MODULES: Final = {
    "async_event_iterators": ("aevents",),
    "audio.track": ("PushChunk", "SERTrack"),
    "bot": ("Bot", "join"),
    "chunk": ("SAMPLE_RATE_HZ", "WINDOW_SAMPLES", "Chunk", "FloatArray"),
    "config.pipeline_options": ("PipelineOptions",),
    "config.schema": (
        *("Config", "IceServer", "MeetingsConfig", "PipelineConfig", "RoomsConfig", "RuntimeConfig", "SampleFormat"),
        *("ServerConfig", "load_config"),
    ),
    "embedding": ("embed",),
    "errors": (
        *("AudioError", "BadRequestError", "CalledBackError", "ClosedError", "ConfigError", "ForbiddenError"),
        *("InferenceError", "JoinError", "MeetingError", "MeetingFullError", "ModelError", "NoWorkerError"),
        *("NotFoundError", "OverloadedError", "SegmentError", "SerTrackError", "WorkerError"),
    ),
    "event_iterators": ("events",),
    "event_types": (
        *("Announcement", "Consent", "ConsentChanged", "Emotion", "EncodedEvent", "EndReason", "EngineEvent", "Event"),
        *(
            "Fault",
            "Joined",
            "Left",
            "MeetingChanged",
            "MeetingState",
            "Notice",
            "Resumed",
            "SpeechEnded",
            "SpeechStarted",
        ),
        *("Stalled", "StreamKey"),
    ),
    "labels": ("Label", "LabelSet"),
    "meetings.session": ("Session",),
    "models": ("Models", "load_models"),
    "output.dataframe": ("to_dataframe",),
    "pipeline": ("SERPipeline",),
    "protocols": ("DetectorState", "EmotionClassifier", "Prediction", "Sink", "VoiceDetector"),
    "symbols": ("Colour", "Symbol"),
    "voice_profile": ("VoiceEvidence", "VoiceProfile"),
}
"""The public names by the module that defines them."""
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names}


def __dir__() -> list[str]:
    return list(__all__)


if not TYPE_CHECKING:  # a type checker reads the imports above, and would accept any name with this function

    def __getattr__(name: str) -> Any:
        """Import on first use: a program that reads files does not need to wait for the WebRTC stack."""
        if name == "__version__":
            return _version()
        if name in _HOMES:
            return getattr(import_module(f"ser_track.{_HOMES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # here, because it is slow to import

    try:
        return version("ser-track")
    except PackageNotFoundError:
        return "0+checkout"  # the sources are on the path, but the package is not installed
