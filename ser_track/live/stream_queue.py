"""Audio on its way from the event loop to the engine's thread: bounded per stream, the oldest goes first."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from ser_track.chunk import FloatArray
from ser_track.events import StreamKey
from ser_track.rtp.header import Arrival


class Samples(NamedTuple):
    """Mono at 16 kHz, and the index of the first."""

    samples: FloatArray
    at: int


Piece = Samples | Arrival


@dataclass(slots=True)
class _Held:
    pieces: deque[tuple[Piece, int]] = field(default_factory=deque)
    samples: int = 0


class StreamQueue:
    """Takes pieces of many streams from any thread and hands them over all at once."""

    def __init__(self, max_samples: int) -> None:
        """Hold at most ``max_samples`` of each stream."""
        self._max_samples = max_samples
        self._streams: dict[StreamKey, _Held] = {}
        self._lock = threading.Lock()
        self.dropped_samples = 0
        """Samples that were thrown away because the engine did not keep up; the stream has a gap there."""

    def put(self, key: StreamKey, piece: Piece, n_samples: int) -> None:
        """Add a piece that lasts so long; on overflow this stream's oldest go, and leave a gap in its media time."""
        with self._lock:
            held = self._streams.setdefault(key, _Held())
            held.pieces.append((piece, n_samples))
            held.samples += n_samples
            while held.samples > self._max_samples and len(held.pieces) > 1:
                _, lost = held.pieces.popleft()
                held.samples -= lost
                self.dropped_samples += lost

    def take(self) -> dict[StreamKey, list[Piece]]:
        """All that is held, by stream, each in order."""
        with self._lock:
            streams, self._streams = self._streams, {}
        return {key: [piece for piece, _ in held.pieces] for key, held in streams.items()}

    def held_samples(self, key: StreamKey) -> int:
        """How much of ``key`` waits."""
        with self._lock:
            return held.samples if (held := self._streams.get(key)) is not None else 0

    def discard(self, key: StreamKey) -> None:
        """Forget what is held of ``key``."""
        with self._lock:
            self._streams.pop(key, None)
