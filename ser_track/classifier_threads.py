"""Runs the classifier on threads beside the voice detector, as both release the GIL; events stay in order."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Self

from ser_track.engine.engine import Engine
from ser_track.engine.stream import ClassificationJob
from ser_track.event_types import Emotion, Event, Fault

_MAX_AHEAD: Final = 64
"""Most blocks whose jobs wait: the memory for a recording does not grow with its length."""


class OrderedClassification:
    """Runs an engine's classification jobs: in order for one participant, in parallel for several."""

    def __init__(self, engine: Engine, threads: int) -> None:
        """With 0 ``threads``, jobs run on the caller's thread."""
        self._engine = engine
        self._threads = [ThreadPoolExecutor(1, f"ser-classify-{number}") for number in range(threads)]
        self._thread_of: dict[str, ThreadPoolExecutor] = {}
        self._waiting: deque[tuple[Sequence[Event], list[Future[Emotion | Fault]]]] = deque()

    def __enter__(self) -> Self:
        """Return this object; no thread starts before there are jobs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel the jobs that have not begun."""
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)

    def after(self, events: Sequence[Event], jobs: list[ClassificationJob]) -> Iterator[Event]:
        """Take ``events`` and the ``jobs`` whose results follow them; yield the events that are ready, in order."""
        if not self._threads:
            yield from events
            yield from map(self._engine.classify, jobs)
            return
        self._waiting.append((events, [self._begin(job) for job in jobs]))
        while self._waiting and (len(self._waiting) > _MAX_AHEAD or all(each.done() for each in self._waiting[0][1])):
            yield from self._next()

    def rest(self) -> Iterator[Event]:
        """Yield all remaining events."""
        while self._waiting:
            yield from self._next()

    def _begin(self, job: ClassificationJob) -> "Future[Emotion | Fault]":
        participant = job.key.participant
        if participant not in self._thread_of:
            self._thread_of[participant] = self._threads[len(self._thread_of) % len(self._threads)]
        return self._thread_of[participant].submit(self._engine.classify, job)

    def _next(self) -> Iterator[Event]:
        events, results = self._waiting.popleft()
        yield from events
        yield from (result.result() for result in results)
