"""The classifier's own thread: what it emits and in which order, and how a stream and the thread end."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ser_track.chunk import WINDOW_SAMPLES, Chunk
from ser_track.config.schema import PipelineConfig
from ser_track.engine.stream import ClassificationJob
from ser_track.event_types import Emotion, EngineEvent, Fault, SpeechEnded, StreamKey
from ser_track.live.classifier_thread import ClassifierThread
from ser_track.live.cpu_stages import CpuStages
from ser_track.live.event_handover import EventHandover
from ser_track.live.metrics import Metrics
from ser_track.models import new_engine
from ser_track.recordings.file import open_tracks
from tests.helpers.classification_jobs import MakeJob, job_maker
from tests.paths import DATA

PATIENCE_S = 20.0


class HeldClassification:
    """A stand-in for the classifier that takes as long as a test wants: each job waits until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.niceness: int | None = None

    def __call__(self, job: ClassificationJob) -> Emotion | Fault:
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else None
        self.begun.release()
        assert self.let_go.acquire(timeout=PATIENCE_S)
        if job.key.participant == "broken":
            raise RuntimeError("out of memory")
        shares = {"anger": 0.0, "happiness": 0.0, "sadness": 0.0, "neutral": 1.0}
        return Emotion(job.key, job.audio.number, 0.0, 0.032, job.final, shares, "neutral", 1.0, "held@1")


class Held:
    """A thread with a classifier that is held, and what it has emitted."""

    def __init__(self) -> None:
        self.events: list[EngineEvent] = []
        self.classify = HeldClassification()
        self.metrics = Metrics()
        self.thread = started(self.classify, self.events, self.metrics)

    def begin(self, job: ClassificationJob) -> None:
        """Put a job, and return while it is running."""
        self.thread.put([], [job])
        self.wait_for_begin()

    def wait_for_begin(self) -> None:
        """Return when one more job is running."""
        assert self.classify.begun.acquire(timeout=PATIENCE_S)

    async def ended(self) -> list[EngineEvent]:
        """Let all jobs go, and return what was emitted when the thread has ended."""
        self.classify.let_go.release(1_000)
        await asyncio.to_thread(self.thread.stop)
        return self.events

    def heard(self) -> list[tuple[str, int, bool]]:
        """The results so far: participant, segment, and whether it is final."""
        return [(e.key.participant, e.segment, e.final) for e in self.events if isinstance(e, Emotion)]


def started(
    classify: Callable[[ClassificationJob], Emotion | Fault], events: list[EngineEvent], metrics: Metrics
) -> ClassifierThread:
    handover = EventHandover(events.extend)
    handover.open()
    thread = ClassifierThread(classify, handover, metrics, CpuStages())
    thread.start()
    return thread


@pytest_asyncio.fixture
async def held() -> AsyncIterator[Held]:
    held = Held()
    yield held
    await held.ended()


@pytest.fixture
def job() -> MakeJob:
    return job_maker()


def ended(key: StreamKey, segment: int = 0) -> SpeechEnded:
    return SpeechEnded(key, segment, 0.0, 0.032, "silence", True)


async def test_final_results_do_not_wait_for_provisional_ones(held: Held, job: MakeJob) -> None:
    held.begin(job("ann"))
    held.thread.put([], [job("ben")])
    held.thread.put([], [job("cid", final=True)])
    await held.ended()
    assert held.heard() == [("ann", 0, False), ("cid", 0, True), ("ben", 0, False)]


async def test_the_end_of_speech_comes_before_its_result_and_no_provisional_one_after_it(
    held: Held, job: MakeJob
) -> None:
    provisional, final = job("ann"), job("ann", final=True)
    held.begin(provisional)
    held.thread.put([ended(final.key)], [final])
    events = await held.ended()
    assert [type(event) for event in events] == [SpeechEnded, Emotion]
    assert held.heard() == [("ann", 0, True)]


async def test_a_provisional_result_of_the_next_segment_comes_after_the_final_one(held: Held, job: MakeJob) -> None:
    held.begin(job("ann", 0, final=True))
    held.thread.put([], [job("ann", 1)])
    await held.ended()
    assert held.heard() == [("ann", 0, True), ("ann", 1, False)]


async def test_what_is_running_for_a_discarded_stream_is_dropped_and_what_waits_is_not_begun(
    held: Held, job: MakeJob
) -> None:
    held.begin(job("ann", 0, final=True))
    held.thread.put([], [job("ann", 1, final=True), job("ben", 0, final=True)])
    held.thread.discard(job("ann").key)
    await held.ended()
    assert held.heard() == [("ben", 0, True)]


async def test_a_stream_has_ended_when_its_last_result_has_been_sent(held: Held, job: MakeJob) -> None:
    order: list[str] = []
    final = job("ann", final=True)
    held.begin(final)
    held.thread.finish(final.key, lambda: order.append(f"after {len(held.thread._handover._waiting)} results"))
    held.thread.finish(job("ben").key, lambda: order.append("nothing to wait for"))
    assert order == ["nothing to wait for"]
    held.classify.let_go.release()
    held.thread.put([], [job("cid")])
    held.wait_for_begin()
    assert order == ["nothing to wait for", "after 1 results"]


async def test_whoever_waits_for_a_stream_that_is_discarded_waits_no_longer(held: Held, job: MakeJob) -> None:
    told = threading.Event()
    held.begin(job("ann", final=True))
    held.thread.finish(job("ann").key, told.set)
    held.thread.discard(job("ann").key)
    assert told.is_set()


async def test_stopping_finishes_what_was_accepted(held: Held, job: MakeJob) -> None:
    held.begin(job("ann", final=True))
    held.thread.put([], [job("ben", final=True), job("cid")])
    await held.ended()
    assert held.heard() == [("ann", 0, True), ("ben", 0, True), ("cid", 0, False)]
    assert not held.thread.alive


async def test_a_classifier_that_fails_is_told_to_its_stream_and_the_next_one_is_heard(
    held: Held, job: MakeJob
) -> None:
    held.thread.put([], [job("broken", 7, final=True), job("ann", final=True)])
    events = await held.ended()
    assert events[0] == Fault(job("broken").key, "classifier_failed", "out of memory", 7)
    assert held.heard() == [("ann", 0, True)]


async def test_the_metrics_tell_what_became_of_provisional_results_and_how_long_jobs_waited(
    held: Held, job: MakeJob
) -> None:
    held.begin(job("ann"))
    held.thread.put([], [job("ben"), job("cid")])
    held.thread.put([], [job("ben"), job("cid", final=True)])
    held.thread.show(due=4, replaced=0)
    text = held.metrics.text().decode()
    assert "ser_track_classifier_queue 2.0" in text
    await held.ended()
    held.thread.show(due=4, replaced=0)
    text = held.metrics.text().decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    names = ("due", "made", "replaced", "shed")
    assert [float(values[f"ser_track_provisional_{name}"]) for name in names] == [4, 2, 2, 0]
    waited = 'ser_track_classifier_wait_seconds_count{result="%s"}'
    assert (float(values[waited % "final"]), float(values[waited % "provisional"])) == (1, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux each thread has a priority")
async def test_its_priority_is_lower_than_that_of_the_others(held: Held, job: MakeJob) -> None:
    held.begin(job("ann"))
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert held.classify.niceness == min(19, own + 3)


def keyed_pieces() -> list[tuple[StreamKey, Chunk]]:
    """A recording of two people, in pieces of one window."""
    with open_tracks(DATA / "spoken_two_tracks.mka") as recording:
        found = [(StreamKey("m", name, "1"), at, samples) for name, (at, samples) in recording]
    return [
        (key, Chunk(at + first, samples[first : first + WINDOW_SAMPLES]))
        for key, at, samples in found
        for first in range(0, len(samples), WINDOW_SAMPLES)
    ]


async def test_the_results_of_real_models_are_those_of_one_thread_in_the_same_order() -> None:
    pieces, config = keyed_pieces(), PipelineConfig()
    keys = {key for key, _ in pieces}
    alone, beside = new_engine(config), new_engine(config)
    expected: list[EngineEvent] = []
    events: list[EngineEvent] = []
    thread = started(beside.classify, events, Metrics())
    for key in keys:
        alone.open(key)
        beside.open(key)
    for key, chunk in pieces:
        alone.push(key, chunk)
        beside.push(key, chunk)
        expected += alone.tick()
        thread.put(*beside.advance())
        await settled(thread, keys)  # a provisional result that is late would be replaced
    for key in keys:
        expected += alone.flush(key)
        thread.put(*beside.finish(key))
    await asyncio.to_thread(thread.stop)
    for key in keys:
        of_stream = [event for event in expected if event.key == key]
        assert sum(isinstance(event, Emotion) for event in of_stream) > 2
        assert [event for event in events if event.key == key] == of_stream


async def test_final_results_of_real_models_are_the_same_however_late_the_classifier_is() -> None:
    pieces, config = keyed_pieces(), PipelineConfig()
    expected: list[EngineEvent] = []
    events: list[EngineEvent] = []
    alone, beside = new_engine(config), new_engine(config)
    thread = started(beside.classify, events, Metrics())
    for engine in (alone, beside):
        for key, chunk in pieces:
            if key not in engine:
                engine.open(key)
            engine.push(key, chunk)
    expected += alone.tick()
    thread.put(*beside.advance())
    for key in {key for key, _ in pieces}:
        expected += alone.flush(key)
        thread.put(*beside.finish(key))
    await asyncio.to_thread(thread.stop)
    finals = [event for event in expected if isinstance(event, Emotion) and event.final]
    assert len(finals) > 2
    assert [event for event in events if isinstance(event, Emotion) and event.final] == finals


async def settled(thread: ClassifierThread, keys: set[StreamKey]) -> None:
    """Return when nothing of these streams waits."""
    for key in keys:
        done = threading.Event()
        thread.finish(key, done.set)
        assert done.wait(PATIENCE_S)
