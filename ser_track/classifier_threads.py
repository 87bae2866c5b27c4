"""The classifier beside the voice detector: on threads, as both let go of the GIL; events in order all the same."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Self

from ser_track.engine.classification import ClassificationJob
from ser_track.engine.engine import Engine
from ser_track.event_types import Emotion, Event, Fault

_MAX_AHEAD: Final = 64
"""Blocks whose jobs wait: what is held of a recording does not grow with its length."""


class OrderedClassification:
    """Does an engine's classification jobs: those of one participant in order, those of several at once."""

    def __init__(self, engine: Engine, threads: int) -> None:
        """Without ``threads``, on the caller's own."""
        self._engine = engine
        self._threads = [ThreadPoolExecutor(1, f"ser-classify-{number}") for number in range(threads)]
        self._thread_of: dict[str, ThreadPoolExecutor] = {}
        self._waiting: deque[tuple[Sequence[Event], list[Future[Emotion | Fault]]]] = deque()

    def __enter__(self) -> Self:
        """Nothing is begun before there are jobs."""
        return self

    def __exit__(self, *_: object) -> None:
        """What has not begun is not done any more."""
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)

    def after(self, events: Sequence[Event], jobs: list[ClassificationJob]) -> Iterator[Event]:
        """Take ``events`` and the ``jobs`` whose results follow them; yields all that is in its turn now."""
        if not self._threads:
            yield from events
            yield from map(self._engine.classify, jobs)
            return
        self._waiting.append((events, [self._begin(job) for job in jobs]))
        while self._waiting and (len(self._waiting) > _MAX_AHEAD or all(each.done() for each in self._waiting[0][1])):
            yield from self._next()

    def rest(self) -> Iterator[Event]:
        """All that is left."""
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
