"""What every recording can do, whatever it is read from."""

from collections.abc import Iterator
from typing import Protocol

from ser_track.sources.tracks import Piece


class Recording(Protocol):
    """``participants`` are known at once; iterating goes through it once, from the beginning to the end.

    `AudioError` comes after all pieces that could be read.
    """

    @property
    def participants(self) -> tuple[str, ...]:
        """Names, each once."""
        ...

    @property
    def duration_s(self) -> float | None:
        """About how long it is, for progress; ``None`` where nobody knows."""
        ...

    @property
    def position_s(self) -> float:
        """How far it was read."""
        ...

    def __iter__(self) -> Iterator[Piece]:
        """Pieces of all participants, as they came."""
        ...
