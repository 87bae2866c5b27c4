"""Audio on its way from the event loop to the engine's thread: bounded per stream, the oldest goes first."""

import threading
from collections import deque
from dataclasses import dataclass, field

from ser_track.types import FloatArray, StreamKey

Piece = tuple[FloatArray, int]


@dataclass(slots=True)
class _Held:
    pieces: deque[Piece] = field(default_factory=deque)
    samples: int = 0


class Inbox:
    """Takes pieces of many streams from any thread and hands them over all at once."""

    def __init__(self, max_samples: int) -> None:
        """Hold at most ``max_samples`` of each stream."""
        self._max_samples = max_samples
        self._streams: dict[StreamKey, _Held] = {}
        self._lock = threading.Lock()
        self.dropped_samples = 0
        """Samples that were thrown away because the engine did not keep up; the stream has a gap there."""

    def put(self, key: StreamKey, samples: FloatArray, at: int) -> None:
        """Add a piece; on overflow the oldest pieces of this stream go, and leave a gap in its media time."""
        with self._lock:
            held = self._streams.setdefault(key, _Held())
            held.pieces.append((samples, at))
            held.samples += len(samples)
            while held.samples > self._max_samples and len(held.pieces) > 1:
                lost, _ = held.pieces.popleft()
                held.samples -= len(lost)
                self.dropped_samples += len(lost)

    def take(self) -> dict[StreamKey, deque[Piece]]:
        """All that is held, by stream, each in order."""
        with self._lock:
            streams, self._streams = self._streams, {}
        return {key: held.pieces for key, held in streams.items()}

    def discard(self, key: StreamKey) -> None:
        """Forget what is held of ``key``."""
        with self._lock:
            self._streams.pop(key, None)
