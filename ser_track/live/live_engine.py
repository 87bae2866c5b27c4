"""The engine on its own threads: audio in, one tick every 32 ms, segments to the classifier, events to the loop."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial

from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.chunk import SAMPLE_RATE_HZ, Chunk
from ser_track.config.schema import RuntimeConfig
from ser_track.engine.engine import Engine
from ser_track.engine.stream import ClassificationJob
from ser_track.event_types import EndReason, EngineEvent, SpeechEnded, StreamKey
from ser_track.live.classifier_thread import ClassifierThread
from ser_track.live.cpu_stages import CpuStages
from ser_track.live.engine_faults import EngineFaults
from ser_track.live.event_handover import Emit, EventHandover
from ser_track.live.intake import Heard, Intake, Keep
from ser_track.live.metrics import Metrics
from ser_track.live.turns import Turns
from ser_track.rtp import opus
from ser_track.rtp.header import Arrival

log = logging.getLogger(__name__)


class LiveEngine:
    """Runs an `Engine` for a live program. All public methods belong to the event loop's thread."""

    def __init__(
        self, engine: Engine, config: RuntimeConfig, emit: Emit, metrics: Metrics, stages: CpuStages | None = None
    ) -> None:
        """``emit`` is called on the event loop with the events of each tick; ``stages`` counts the CPU time."""
        self._engine = engine
        self._config = config
        self._metrics = metrics
        self._stages = stages or CpuStages()
        self._turns = Turns(max(1, round(config.quiet_interval_s / config.tick_s)))
        self._intake = Intake(config.max_held_audio_s, self._turns, self._stages)
        self._handover = EventHandover(emit)
        self._classifier = ClassifierThread(engine.classify, self._handover, metrics, self._stages)
        if not opus.available():  # looked up here: on the event loop, reading folders would block everybody
            log.warning("libopus was not found: aiortc's own decoder is used, with gaps under loss (Debian: libopus0)")
        metrics.on_scrape(self._show)
        self._commands: deque[Callable[[], None]] = deque()
        self._wake = threading.Event()
        self._open: set[StreamKey] = set()
        self._faults = EngineFaults(self._open)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ser-tick", daemon=True)

    @property
    def streams(self) -> set[StreamKey]:
        """The streams that are being analysed."""
        return set(self._open)

    @property
    def alive(self) -> bool:
        """Whether its threads are running."""
        return self._thread.is_alive() and self._classifier.alive

    def start(self) -> None:
        """Start the threads; events go to the running event loop."""
        self._handover.open()
        self._classifier.start()
        self._thread.start()

    async def stop(self) -> None:
        """Stop after the current tick, when what it left to the classifier is done."""
        self._stopping.set()
        self._wake.set()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._classifier.stop)

    def open(self, key: StreamKey) -> None:
        """Begin a stream: from now on its audio is analysed."""
        self._open.add(key)

    def keep(self, key: StreamKey, keep: Keep) -> None:
        """Give ``keep`` all audio of an open stream too, on the tick thread, until the stream ends."""
        self._intake.keep(key, keep)

    def push(self, key: StreamKey, chunk: Chunk) -> None:
        """Add samples to an open stream; those of an unknown stream are dropped."""
        self._put(key, chunk)

    def push_packet(self, key: StreamKey, arrival: Arrival) -> None:
        """Add a packet to an open stream; a stream has either packets or samples."""
        self._put(key, arrival)

    def attach(self, media: MediaSocket) -> None:
        """Read a connection's packets from its socket, for the stream in its ``key``."""
        self.call(partial(self._intake.attach, media))

    def detach(self, media: MediaSocket) -> None:
        """Stop reading the socket once its waiting packets have been read, and close it."""
        if self._thread.is_alive():
            self.call(partial(self._intake.detach, media))
        else:
            media.close()

    def call(self, command: Callable[[], None]) -> None:
        """Call ``command`` on the tick thread, after all earlier requests."""
        self._commands.append(command)
        self._wake.set()

    async def flush(self, key: StreamKey) -> None:
        """End a stream. Returns when its open segment and its result have been emitted, after all that came before."""
        if not self.alive:  # a thread that would do it has ended
            self._open.discard(key)
            return
        done: Future[None] = Future()
        self.call(partial(self._flush_now, key, done))
        await asyncio.wrap_future(done)

    def pause(self, key: StreamKey, reason: EndReason = "stalled") -> None:
        """No audio arrives for now: an open segment gets its final result with the next tick.

        With the reason ``silence``, no packet is missing: packets that are held back behind a gap are analysed too.
        """
        self.call(partial(self._pause_now, key, reason))

    async def room_for(self, key: StreamKey) -> None:
        """Return once little of this stream is queued. A sender that can wait then loses no audio."""
        most_s = self._config.max_held_audio_s / 2
        while self.alive and self._intake.held_s(key) > most_s:  # noqa: ASYNC110  # the tick thread sets no event
            await asyncio.sleep(self._config.tick_s)

    def discard(self, key: StreamKey) -> None:
        """Forget a stream and everything that is held for it."""
        self._open.discard(key)
        self._intake.forget(key)
        self._classifier.discard(key)  # at once, and after the tick that may be under way
        self.call(partial(self._discard_now, key))

    def _put(self, key: StreamKey, item: Chunk | Arrival) -> None:
        if self._intake.put(key, item) > self._config.max_held_audio_s / 4:  # faster than real time
            self._wake.set()

    def _run(self) -> None:
        try:
            self._tick_until_stopped()
        finally:  # from here on, aiortc's own sockets get the packets: no connection depends on this thread
            self._intake.close()

    def _tick_until_stopped(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            begun = time.monotonic()
            self._tick(begun)
            took_s = time.monotonic() - begun
            self._metrics.count_tick(took_s, took_s > self._config.tick_s)
            due = self._rest(due + self._config.tick_s)
        self._tick(time.monotonic())  # commands that came meanwhile: a caller may wait for them

    def _rest(self, due: float) -> float:
        """Sleep until the next tick, which is ``due``, or while nobody speaks until a later one that hears anybody."""
        self._turns.pass_ticks(1)
        if (wait_s := due - time.monotonic()) <= 0:
            return time.monotonic()
        self._stopping.wait(wait_s)
        if self._engine.speaking or not (ahead := self._turns.empty_ticks()):
            return due
        if self._wake.wait(ahead * self._config.tick_s):
            return time.monotonic()
        self._turns.pass_ticks(ahead)
        return due + ahead * self._config.tick_s

    def _tick(self, now: float) -> None:
        """Hear those who speak first, so that their events do not wait for the others."""
        # Counted before the audio is taken: audio that came before a command is analysed before the command runs.
        self._wake.clear()
        commands, speaking = len(self._commands), frozenset(self._engine.speaking)
        self._advance(partial(self._intake.take, now, self._open, None if commands else speaking), commands)
        if not commands:
            self._advance(partial(self._intake.take_silent, now, self._open, speaking), 0)

    def _advance(self, take: Callable[[], Heard], commands: int) -> None:
        """Analyse what ``take`` returns, carry out so many commands, and hand over what happened."""
        events: list[EngineEvent] = []
        jobs: list[ClassificationJob] = []
        try:
            self._hear(take())
        except Exception as error:  # the thread serves everybody: it reports the error, and goes on
            events += self._faults.of(tuple(self._open), error)
        for _ in range(commands):
            self._carry_out(self._commands.popleft())
        try:
            with self._stages.stage("segment"):
                happened, jobs = self._engine.advance()
                events += happened
        except Exception as error:
            events += self._faults.of(tuple(self._open), error)
        for key, reason in self._intake.take_failed().items():
            events += self._faults.of([key], reason)
        self._hand_over(events, jobs)

    def _show(self) -> None:
        """Update the metrics that only have to be right when they are read. Called on any thread."""
        self._classifier.show(self._engine.provisional_due, self._engine.replaced)
        self._metrics.late_s.set(self._engine.late_samples / SAMPLE_RATE_HZ)
        self._metrics.count_audio(self._intake.counts, self._intake.dropped_samples)
        self._metrics.count_cpu(self._stages.cpu_s)

    def _hear(self, heard: Iterable[tuple[StreamKey, list[Chunk]]]) -> None:
        n = 0
        with self._stages.stage("segment"):
            for key, chunks in heard:
                if chunks and key not in self._engine:
                    self._engine.open(key)
                for chunk in chunks:
                    n += len(chunk.samples)
                    self._engine.push(key, chunk)
        self._metrics.audio_s.inc(n / SAMPLE_RATE_HZ)

    def _carry_out(self, command: Callable[[], None]) -> None:
        try:
            command()
        except Exception:  # the next command is somebody else's
            log.exception("a command to the engine failed")

    def _pause_now(self, key: StreamKey, reason: EndReason) -> None:
        try:
            if reason == "silence":
                self._hear([(key, self._intake.take_held(key))])
            if key in self._engine:
                self._engine.pause(key, reason)
        except Exception as error:
            self._hand_over(self._faults.of([key], error))

    def _discard_now(self, key: StreamKey) -> None:
        self._intake.discard(key)
        self._engine.discard(key)
        self._classifier.discard(key)

    def _flush_now(self, key: StreamKey, done: "Future[None]") -> None:
        try:
            self._hear([(key, self._intake.flush(key))])
            if key in self._engine:
                self._hand_over(*self._engine.finish(key))
        except Exception as error:  # the end of one stream must not disturb others
            self._hand_over(self._faults.of([key], error))
        self._intake.discard(key)
        self._open.discard(key)
        self._classifier.finish(key, partial(_complete, done))

    def _hand_over(self, events: list[EngineEvent], jobs: Sequence[ClassificationJob] = ()) -> None:
        for event in events:
            if isinstance(event, SpeechEnded) and event.reason == "silence":
                came = self._intake.arrived_s(event.key, round(event.end_s * SAMPLE_RATE_HZ))
                if came is not None:
                    self._metrics.close_s.observe(time.monotonic() - came)
        self._classifier.put(events, jobs)


def _complete(done: "Future[None]") -> None:
    """Complete ``done``, unless its caller has stopped waiting."""
    if done.set_running_or_notify_cancel():
        done.set_result(None)
