"""Audio on its way from the event loop to the engine's thread: bounded per stream, the oldest is dropped first."""

import threading
from collections import deque
from dataclasses import dataclass, field

from ser_track.chunk import Chunk
from ser_track.event_types import StreamKey
from ser_track.rtp.header import Arrival


@dataclass(slots=True)
class _Held:
    items: deque[tuple[Chunk | Arrival, int]] = field(default_factory=deque)
    samples: int = 0


class StreamQueue:
    """Takes samples and packets of many streams from any thread, and returns them all at once."""

    def __init__(self, max_samples: int) -> None:
        """Queue at most ``max_samples`` of each stream."""
        self._max_samples = max_samples
        self._streams: dict[StreamKey, _Held] = {}
        self._lock = threading.Lock()
        self.dropped_samples = 0
        """Samples that were dropped because the engine did not keep up; the stream has a gap there."""

    def put(self, key: StreamKey, item: Chunk | Arrival, n_samples: int) -> int:
        """Queue an item that lasts ``n_samples``, and return how many are queued of its stream.

        On overflow, drop this stream's oldest, which leaves a gap.
        """
        with self._lock:
            held = self._streams.setdefault(key, _Held())
            held.items.append((item, n_samples))
            held.samples += n_samples
            while held.samples > self._max_samples and len(held.items) > 1:
                _, lost = held.items.popleft()
                held.samples -= lost
                self.dropped_samples += lost
            return held.samples

    def take(self) -> dict[StreamKey, list[Chunk | Arrival]]:
        """Everything that is queued, by stream, each in order."""
        with self._lock:
            streams, self._streams = self._streams, {}
        return {key: [item for item, _ in held.items] for key, held in streams.items()}

    def held_samples(self, key: StreamKey) -> int:
        """How many samples of ``key`` are queued."""
        with self._lock:
            return held.samples if (held := self._streams.get(key)) is not None else 0

    def discard(self, key: StreamKey) -> None:
        """Drop everything that is queued for ``key``."""
        with self._lock:
            self._streams.pop(key, None)
