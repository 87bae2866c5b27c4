"""Events on their way from the engine's threads to the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from ser_track.event_types import EngineEvent

Emit = Callable[[list[EngineEvent]], None]


class EventHandover:
    """Emits events on the event loop, in the order in which threads have put them."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._waiting: deque[Sequence[EngineEvent]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """From now on, events go to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def put(self, events: Sequence[EngineEvent]) -> None:
        """Add events after all others; `send` must follow. For any thread, and short enough for inside a lock."""
        self._waiting.append(events)

    def send(self) -> None:
        """Have the event loop emit what waits. For any thread; not inside a lock: the loop may take the GIL."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        events: list[EngineEvent] = []
        while self._waiting:
            events += self._waiting.popleft()
        if events:
            self._emit(events)
