"""A recording's results as one self-contained page: it needs no server, network or other file."""

from ser_track.output.documents.html.page import make_page
from ser_track.output.documents.html.sound import Sound, SoundRecorder

__all__ = ["Sound", "SoundRecorder", "make_page"]
