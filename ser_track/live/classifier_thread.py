"""The classifier of a live engine on a thread of its own: whatever a segment costs, no tick waits for it."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from ser_track.engine.stream import ClassificationJob
from ser_track.event_types import Emotion, EngineEvent, Fault, StreamKey
from ser_track.live.classification_queue import ClassificationQueue, WaitingJob
from ser_track.live.cpu_stages import CpuStages
from ser_track.live.event_handover import EventHandover
from ser_track.live.metrics import Metrics

log = logging.getLogger(__name__)
_NICER_BY: Final = 3
"""The tick and the event loop go first. On a full core the classifier gets half as much: it makes final results too."""
Classify = Callable[[ClassificationJob], Emotion | Fault]


class ClassifierThread:
    """Runs one job at a time, final ones first, and emits the results. All methods may be called on any thread.

    Only this thread runs ``classify``, so what that changes in a stream (its voice, its latest prediction) is safe.
    """

    def __init__(self, classify: Classify, handover: EventHandover, metrics: Metrics, stages: CpuStages) -> None:
        self._classify = classify
        self._handover = handover
        self._metrics = metrics
        self._stages = stages
        self._queue = ClassificationQueue()
        self._running: ClassificationJob | None = None
        self._unwanted = False
        """Whether the result of the running job is dropped."""
        self._ending: dict[StreamKey, list[Callable[[], None]]] = {}
        self._stopping = False
        self._changed = threading.Condition()
        """Guards all of the above. Nothing that takes long is done while it is held: the tick takes it too."""
        self._thread = threading.Thread(target=self._run, name="ser-classifier", daemon=True)
        self._provisional_made = 0

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish every job that waits, then end the thread. Blocks until it has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def put(self, events: Sequence[EngineEvent], jobs: Sequence[ClassificationJob]) -> None:
        """Emit ``events``, and after them the results of ``jobs``. Call it regularly: it measures the load, too."""
        now = time.monotonic()
        with self._changed:
            if events:
                self._handover.put(events)
            for job in jobs:
                self._queue.put(job, now)
            self._queue.note_load(now, self._running)
            if jobs:
                self._changed.notify()
        if events:
            self._handover.send()

    def finish(self, key: StreamKey, then: Callable[[], None]) -> None:
        """Call ``then`` when all results of the stream have been sent. No further job of it may come."""
        with self._changed:
            self._queue.forget(key)
            if self._is_busy_with(key):
                self._ending.setdefault(key, []).append(then)
                return
        then()

    def discard(self, key: StreamKey) -> None:
        """Drop the stream's jobs, and the result of the one that is running."""
        with self._changed:
            self._queue.remove(key)
            if self._running is not None and self._running.key == key:
                self._unwanted = True
            ended = self._ending.pop(key, [])
        for then in ended:
            then()

    def show(self, due: int, replaced: int) -> None:
        """Update the metrics; ``due`` and ``replaced`` are the engine's counts of provisional results."""
        self._metrics.queued.set(len(self._queue))
        self._metrics.load_step.set(self._queue.load.step)
        self._metrics.count_provisional(due, self._provisional_made, replaced + self._queue.replaced, self._queue.shed)

    def _is_busy_with(self, key: StreamKey) -> bool:
        return key in self._queue or (self._running is not None and self._running.key == key)

    def _run(self) -> None:
        _lower_priority()
        with self._stages.stage("classify"):
            while (waiting := self._next()) is not None:
                self._finish_job(waiting.job, self._result(waiting))

    def _next(self) -> WaitingJob | None:
        """Wait for a job; None if there will be none."""
        with self._changed:
            while (waiting := self._queue.take()) is None:
                if self._stopping:
                    return None
                self._changed.wait()
            self._running, self._unwanted = waiting.job, False
            return waiting

    def _result(self, waiting: WaitingJob) -> Emotion | Fault:
        job = waiting.job
        self._metrics.count_wait(time.monotonic() - waiting.put_s, job.final)
        try:
            return self._classify(job)
        except Exception as error:  # it concerns one segment, and the thread serves everybody
            log.exception("a segment could not be classified")
            return Fault(job.key, "classifier_failed", str(error) or type(error).__name__, job.audio.number)

    def _finish_job(self, job: ClassificationJob, result: Emotion | Fault) -> None:
        with self._changed:
            wanted = not self._unwanted
            if wanted and not job.final and self._queue.final_waits(job):
                wanted = False  # the end of the segment was emitted meanwhile
                self._queue.replaced += 1
            if wanted:
                self._handover.put([result])
                self._provisional_made += not job.final and isinstance(result, Emotion)
            self._running = None
            ended = [] if job.key in self._queue else self._ending.pop(job.key, [])
        if wanted:
            self._handover.send()
        for then in ended:
            then()


def _lower_priority() -> None:
    """Let the tick and the event loop go first where the system can: on Linux, each thread has its own priority."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICER_BY))
