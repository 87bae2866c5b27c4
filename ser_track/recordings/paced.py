"""Plays a recording in real time, or faster."""

import threading
import time
from collections.abc import Iterator

from ser_track.chunk import SAMPLE_RATE_HZ, ParticipantChunk
from ser_track.recordings.recording import Recording


class Paced:
    """A source that gives each chunk of ``recording`` when its last sample has been spoken."""

    def __init__(self, recording: Recording, speed: float = 1.0) -> None:
        """``speed`` 2 is twice as fast as real time."""
        self._recording = recording
        self._speed = speed
        self._stopping = threading.Event()

    @property
    def participants(self) -> tuple[str, ...]:
        """The recording's participants."""
        return self._recording.participants

    def stop(self) -> None:
        """End here, as if the recording did. May be called from a signal handler or another thread."""
        self._stopping.set()

    def __iter__(self) -> Iterator[ParticipantChunk]:
        """The recording's chunks. A reader slower than real time gets the next ones without waiting.

        Raises:
            AudioError: part of the file is missing or damaged, after all that could be decoded.
        """
        begin = time.monotonic()
        for each in self._recording:
            spoken_s = each.chunk.end / SAMPLE_RATE_HZ / self._speed
            if self._stopping.wait(max(0.0, begin + spoken_s - time.monotonic())):
                return
            yield each
