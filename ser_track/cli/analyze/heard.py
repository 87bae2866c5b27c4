"""Collects the sound of a recording, for pages, while it is analysed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ser_track.chunk import ParticipantChunk
from ser_track.output.documents import Gatherer
from ser_track.recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording whose chunks are also given to a gatherer."""

    recording: Recording
    shown: dict[str, str]
    """The participants' names in documents, by their names in the recording."""
    gatherer: Gatherer

    @classmethod
    def of(cls, recording: Recording, names: Sequence[str], gatherer: Gatherer) -> Self:
        """``names`` are the participants' names in documents; without them, those of the recording."""
        own = recording.participants
        shown = dict(zip(own, names or own, strict=True))
        gatherer.begin(tuple(shown.values()))
        return cls(recording, shown, gatherer)

    @property
    def participants(self) -> tuple[str, ...]:
        """Names as in the recording."""
        return self.recording.participants

    @property
    def duration_s(self) -> float | None:
        """Duration of the recording."""
        return self.recording.duration_s

    @property
    def position_s(self) -> float:
        """Position in the recording."""
        return self.recording.position_s

    @property
    def remarks(self) -> list[str]:
        """Remarks about the recording."""
        return self.recording.remarks

    def __iter__(self) -> Iterator[ParticipantChunk]:
        for each in self.recording:
            self.gatherer.hear(self.shown[each.participant], each.chunk)
            yield each
