"""What the classifier takes next, what is replaced and what is left out: without a thread or a clock."""

import pytest

from ser_track.live.classification_queue import ClassificationQueue
from tests.helpers.classification_jobs import MakeJob, job_maker


@pytest.fixture
def queue() -> ClassificationQueue:
    return ClassificationQueue()


@pytest.fixture
def job() -> MakeJob:
    return job_maker()


def taken(queue: ClassificationQueue) -> list[tuple[str, int, bool]]:
    """All that waits, as it is taken: participant, segment, and whether it is final."""
    found = []
    while (waiting := queue.take()) is not None:
        found.append((waiting.job.key.participant, waiting.job.audio.number, waiting.job.final))
    return found


def overload(queue: ClassificationQueue, seconds: float) -> float:
    """Let what waits be late for so long."""
    now = 1_000.0
    for tick in range(round(seconds / 0.032)):
        queue.note_load(now + tick * 0.032, None)
    return now + seconds


def test_final_jobs_come_first_then_pauses_then_who_has_waited_longest(
    queue: ClassificationQueue, job: MakeJob
) -> None:
    queue.put(job("ann"), 0.0)
    queue.put(job("ben", in_pause=True), 0.1)
    queue.put(job("cid", final=True), 0.2)
    queue.put(job("cid", segment=1), 0.3)
    assert taken(queue) == [("cid", 0, True), ("ben", 0, False), ("ann", 0, False), ("cid", 1, False)]
    assert queue.replaced == 0


def test_a_newer_job_takes_the_place_of_the_older_one(queue: ClassificationQueue, job: MakeJob) -> None:
    queue.put(job("ann"), 0.0)
    queue.put(job("ben"), 0.1)
    newer = job("ann")
    queue.put(newer, 0.8)
    waiting = queue.take()
    assert waiting is not None
    assert waiting.job is newer
    assert (waiting.put_s, waiting.place_since_s) == (0.8, 0.0)
    assert (len(queue), queue.replaced) == (1, 1)


def test_the_final_job_replaces_the_provisional_one_and_order_in_a_stream_is_kept(
    queue: ClassificationQueue, job: MakeJob
) -> None:
    queue.put(job("ann", 0), 0.0)
    queue.put(job("ann", 0, final=True), 0.1)
    queue.put(job("ann", 1), 0.2)
    queue.put(job("ann", 1, final=True), 0.3)
    queue.put(job("ann", 2), 0.4)
    assert taken(queue) == [("ann", 0, True), ("ann", 1, True), ("ann", 2, False)]
    assert queue.replaced == 2


def test_it_knows_whether_the_final_job_of_the_same_segment_waits(queue: ClassificationQueue, job: MakeJob) -> None:
    queue.put(job("ann", 0, final=True), 0.0)
    assert queue.final_waits(job("ann", 0))
    assert not queue.final_waits(job("ann", 1))
    assert not queue.final_waits(job("ben", 0))


def test_what_is_removed_is_not_taken(queue: ClassificationQueue, job: MakeJob) -> None:
    for name in ("ann", "ben"):
        queue.put(job(name, 0, final=True), 0.0)
        queue.put(job(name, 1), 0.0)
    key = job("ann").key
    assert key in queue
    queue.remove(key)
    assert key not in queue
    assert taken(queue) == [("ben", 0, True), ("ben", 1, False)]


def test_under_load_every_stream_gets_the_same_share_of_its_results(queue: ClassificationQueue, job: MakeJob) -> None:
    queue.put(job("cid"), 0.0)
    now = overload(queue, 1.8)
    assert queue.load.step == 2
    taken(queue)
    made = dict.fromkeys(("ann", "ben"), 0)
    for number in range(16):
        for name in made:
            queue.put(job(name), now + number)
            made[name] += len(taken(queue))
    assert made == {"ann": 4, "ben": 4}
    assert queue.shed == 24


def test_under_load_final_results_and_those_in_a_pause_are_made_all_the_same(
    queue: ClassificationQueue, job: MakeJob
) -> None:
    queue.put(job("cid"), 0.0)
    now = overload(queue, 8.0)
    assert queue.load.one_in == 64
    taken(queue)
    for segment in range(4):
        queue.put(job("ann", segment, in_pause=True), now)
        assert len(taken(queue)) == 1
        queue.put(job("ann", segment, final=True), now)
        assert len(taken(queue)) == 1
    assert queue.shed == 0


def test_a_stream_that_waits_anyway_gets_its_newest_audio_under_load_too(
    queue: ClassificationQueue, job: MakeJob
) -> None:
    queue.put(job("ann"), 0.0)
    now = overload(queue, 8.0)
    newer = job("ann")
    queue.put(newer, now)
    waiting = queue.take()
    assert waiting is not None
    assert waiting.job is newer
    assert queue.shed == 0
