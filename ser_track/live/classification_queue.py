"""What waits for the classifier of a live engine: what is taken next, what is replaced, and what is left out."""

from collections import deque
from dataclasses import dataclass

from ser_track.engine.stream import ClassificationJob
from ser_track.event_types import StreamKey
from ser_track.live.load_shedding import LoadShedding


@dataclass(frozen=True, slots=True, eq=False)
class WaitingJob:
    """A job, and since when it waits, in seconds."""

    job: ClassificationJob
    put_s: float
    place_since_s: float
    """Since when the stream waits: a provisional job takes the place of the one that it replaces."""


class ClassificationQueue:
    """Final jobs in order, and at most one provisional job per stream, the newest. It has no clock and no lock.

    Jobs of one stream are taken in the order in which they were put: a final job replaces the provisional one.
    """

    def __init__(self) -> None:
        self.load = LoadShedding()
        self.replaced = 0
        """Provisional jobs that were replaced by a newer one, or by the final one."""
        self.shed = 0
        """Provisional jobs that were left out because of the load."""
        self._finals: deque[WaitingJob] = deque()
        self._provisional: dict[StreamKey, WaitingJob] = {}
        self._left_out: dict[StreamKey, int] = {}

    def __len__(self) -> int:
        return len(self._finals) + len(self._provisional)

    def __contains__(self, key: StreamKey) -> bool:
        """Whether a job of this stream waits."""
        return key in self._provisional or any(waiting.job.key == key for waiting in self._finals)

    def put(self, job: ClassificationJob, now: float) -> None:
        """Queue ``job``, or leave it out if it is provisional and the load is too high."""
        replaced = self._provisional.get(job.key)
        if job.final:
            self._provisional.pop(job.key, None)
            self._finals.append(WaitingJob(job, now, now))
        elif replaced is None and self._leaves_out(job):
            self.shed += 1
            return
        else:
            since_s = now if replaced is None else replaced.place_since_s
            self._provisional[job.key] = WaitingJob(job, now, since_s)
        self.replaced += replaced is not None

    def take(self) -> WaitingJob | None:
        """The next job: final ones, then those in a pause that may be the end, then the longest-waiting."""
        if self._finals:
            return self._finals.popleft()
        if not self._provisional:
            return None
        # The result in a pause becomes the final one, if it is there in time.
        paused = (key for key, waiting in self._provisional.items() if waiting.job.in_pause)
        return self._provisional.pop(next(paused, next(iter(self._provisional))))

    def final_waits(self, job: ClassificationJob) -> bool:
        """Whether the final job of the same segment waits."""
        return any(
            waiting.job.stream is job.stream and waiting.job.audio.number == job.audio.number
            for waiting in self._finals
        )

    def remove(self, key: StreamKey) -> None:
        """Remove the jobs that wait for ``key``, including final ones."""
        self._finals = deque(waiting for waiting in self._finals if waiting.job.key != key)
        self._provisional.pop(key, None)
        self.forget(key)

    def forget(self, key: StreamKey) -> None:
        """The stream ends: no further job of it comes."""
        self._left_out.pop(key, None)

    def note_load(self, now: float, running: ClassificationJob | None) -> None:
        """Let the load at ``now`` decide how many provisional jobs are left out from here on."""
        final_s = now - self._finals[0].put_s if self._finals else 0.0
        oldest = next(iter(self._provisional.values()), None)
        provisional_s = 0.0 if oldest is None else now - oldest.place_since_s
        provisional = running is not None and not running.final
        self.load.note(now, final_s, provisional_s, running is not None, provisional)

    def _leaves_out(self, job: ClassificationJob) -> bool:
        """Whether ``job`` is left out. Those in a pause are made: most of them are the final result's work."""
        if job.in_pause or self.load.one_in == 1:
            return False
        before = self._left_out.get(job.key, 0)
        self._left_out[job.key] = left_out = (before + 1) % self.load.one_in
        return left_out != 0
