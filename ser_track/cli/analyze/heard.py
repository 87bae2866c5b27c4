"""The sound of a recording on its way past: what pages show of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ser_track.chunk import ParticipantChunk
from ser_track.output.documents import Gatherer
from ser_track.recordings.recording import Recording


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording whose chunks a gatherer hears as they pass."""

    recording: Recording
    shown: dict[str, str]
    """The participants' names in documents, by those in the recording."""
    gatherer: Gatherer

    @classmethod
    def of(cls, recording: Recording, names: Sequence[str], gatherer: Gatherer) -> Self:
        """``names`` are the participants' in documents, if there are any."""
        own = recording.participants
        shown = dict(zip(own, names or own, strict=True))
        gatherer.begin(tuple(shown.values()))
        return cls(recording, shown, gatherer)

    @property
    def participants(self) -> tuple[str, ...]:
        """As the recording names them."""
        return self.recording.participants

    @property
    def duration_s(self) -> float | None:
        """Of the recording."""
        return self.recording.duration_s

    @property
    def position_s(self) -> float:
        """In the recording."""
        return self.recording.position_s

    def __iter__(self) -> Iterator[ParticipantChunk]:
        for each in self.recording:
            self.gatherer.hear(self.shown[each.participant], each.chunk)
            yield each
