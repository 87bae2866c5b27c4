"""Collects the data for all documents once."""

from collections.abc import Sequence
from typing import Final, Literal

from ser_track.chunk import Chunk
from ser_track.engine.timeline import TimelineGatherer
from ser_track.event_types import EncodedEvent
from ser_track.labels import LabelSet
from ser_track.output.documents.format import Results
from ser_track.output.documents.html.sound import Sound, SoundRecorder

SoundKept = Literal["none", "waveforms", "recording"]
"""What to keep of the sound: nothing; the waveform; the waveform and the sound itself."""
_NO_SOUND: Final = Sound()


class Gatherer:
    """A sink for the events of one recording, and for its sound if a document shows it."""

    def __init__(
        self, title: str, min_confidence: float, sound: SoundKept = "none", labels: LabelSet | None = None
    ) -> None:
        """``title`` is the recording's name, ``labels`` are the model's; call `close` after the last document."""
        self._min_confidence = min_confidence
        self._events = TimelineGatherer(title, labels)
        self._kept = sound
        self._recorder: SoundRecorder | None = None

    def put(self, event: EncodedEvent) -> None:
        """Add one event."""
        self._events.put(event)

    @property
    def hears(self) -> bool:
        """Whether a document needs the sound."""
        return self._kept != "none"

    def begin(self, participants: Sequence[str]) -> None:
        """Give the names of all participants, before the first samples."""
        if self.hears:
            self._recorder = SoundRecorder(participants, self._kept == "recording")

    def hear(self, participant: str, chunk: Chunk) -> None:
        """Add samples of ``participant``."""
        if self._recorder is not None:
            self._recorder.add(participant, *chunk)

    def results(self) -> Results:
        """Return everything collected, for any number of documents."""
        sound = self._recorder.finish() if self._recorder is not None else _NO_SOUND
        return Results(self._events.timeline, self._min_confidence, sound)

    def close(self) -> None:
        """Forget the sound."""
        if self._recorder is not None:
            self._recorder.close()
