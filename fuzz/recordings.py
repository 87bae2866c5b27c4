"""Recordings of every kind, through the one function that opens them."""

import tempfile
from pathlib import Path

import av
import numpy as np

from fuzz.reasons import require_reason
from ser_track.errors import AudioError
from ser_track.recordings.recording import open_recording

av.logging.set_level(None)


def read(data: bytes) -> None:
    """Whatever is damaged, what can be heard is heard, in time; the rest is told with the file's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(data)
        try:
            with open_recording(path) as recording:
                names = recording.participants
                assert len(set(names)) == len(names) > 0
                for participant, chunk in recording:
                    assert participant in names
                    assert chunk.at >= 0
                    assert chunk.samples.dtype == np.float32
                    assert np.isfinite(chunk.samples).all()
        except AudioError as error:
            require_reason(error)
