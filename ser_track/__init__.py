"""ser_track: live speech emotion recognition for every voice in a conference.

from ser_track import SERPipeline        # bytes in, emotion out
from ser_track import SERTrack           # wraps an aiortc audio track
from ser_track import events, aevents    # typed events of a file or array, of an async source
from ser_track import to_dataframe       # a table of them, for those who have pandas
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_track.async_event_iterators import aevents
    from ser_track.audio.track import SERTrack
    from ser_track.event_iterators import events
    from ser_track.events import (
        ConsentChanged,
        Emotion,
        Event,
        Fault,
        Joined,
        Left,
        Resumed,
        SpeechEnded,
        SpeechStarted,
        Stalled,
    )
    from ser_track.output.dataframe import to_dataframe
    from ser_track.pipeline import SERPipeline

__all__ = [
    "ConsentChanged",
    "Emotion",
    "Event",
    "Fault",
    "Joined",
    "Left",
    "Resumed",
    "SERPipeline",
    "SERTrack",
    "SpeechEnded",
    "SpeechStarted",
    "Stalled",
    "aevents",
    "events",
    "to_dataframe",
]
_HOMES = {
    "SERPipeline": "ser_track.pipeline",
    "SERTrack": "ser_track.audio.track",
    "aevents": "ser_track.async_event_iterators",
    "events": "ser_track.event_iterators",
    "to_dataframe": "ser_track.output.dataframe",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a program that reads files need not wait for the WebRTC stack."""
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "ser_track.events")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
