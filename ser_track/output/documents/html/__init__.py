"""A recording's results as one page that needs nothing else: no server, no network, no further file."""

from ser_track.output.documents.html.page import make_page
from ser_track.output.documents.html.sound import Sound, SoundRecorder

__all__ = ["Sound", "SoundRecorder", "make_page"]
