"""ser_track: live speech emotion recognition for every voice in a conference.

from ser_track import SERPipeline   # bytes in, emotion out
from ser_track import SERTrack      # wraps an aiortc audio track
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_track.ingest.track import SERTrack
    from ser_track.pipeline import SERPipeline

__all__ = ["SERPipeline", "SERTrack"]
_HOMES = {"SERPipeline": "ser_track.pipeline", "SERTrack": "ser_track.ingest.track"}


def __getattr__(name: str) -> Any:
    """Import on first use: a program that reads files need not wait for the WebRTC stack."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
