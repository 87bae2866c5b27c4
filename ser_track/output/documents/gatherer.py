"""What documents are made of, gathered once for all of them."""

from collections.abc import Sequence
from typing import Final, Literal

from ser_track.chunk import Chunk
from ser_track.engine.timeline import TimelineGatherer
from ser_track.event_types import EncodedEvent
from ser_track.labels import LabelSet
from ser_track.output.documents.format import Results
from ser_track.output.documents.html.sound import Sound, SoundRecorder

SoundKept = Literal["none", "waveforms", "recording"]
"""What is kept of the sound: nothing; how loud it was; how loud it was and the sound itself."""
_NO_SOUND: Final = Sound()


class Gatherer:
    """A sink for the events of one recording; its sound comes in beside them where a document shows it."""

    def __init__(
        self, title: str, min_confidence: float, sound: SoundKept = "none", labels: LabelSet | None = None
    ) -> None:
        """``title`` is the recording's name, ``labels`` are the model's; `close` when nothing more is made of it."""
        self._min_confidence = min_confidence
        self._events = TimelineGatherer(title, labels)
        self._kept = sound
        self._recorder: SoundRecorder | None = None

    def put(self, event: EncodedEvent) -> None:
        """Take one event."""
        self._events.put(event)

    @property
    def hears(self) -> bool:
        """Whether sound is wanted."""
        return self._kept != "none"

    def begin(self, participants: Sequence[str]) -> None:
        """Before the first sound: everyone who can be heard."""
        if self.hears:
            self._recorder = SoundRecorder(participants, self._kept == "recording")

    def hear(self, participant: str, chunk: Chunk) -> None:
        """Samples of ``participant``."""
        if self._recorder is not None:
            self._recorder.add(participant, *chunk)

    def results(self) -> Results:
        """All that came, for any number of documents."""
        sound = self._recorder.finish() if self._recorder is not None else _NO_SOUND
        return Results(self._events.timeline, self._min_confidence, sound)

    def close(self) -> None:
        """Forget the sound."""
        if self._recorder is not None:
            self._recorder.close()
