"""The engine on a thread of its own: audio in from the event loop, events out to it, one tick every 32 ms."""

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from ser_track.config import RuntimeConfig
from ser_track.core.engine import Engine
from ser_track.ingest import libopus
from ser_track.runtime.inbox import Arrival, Inbox, Samples
from ser_track.runtime.metrics import Metrics
from ser_track.runtime.packet_streams import PacketStreams
from ser_track.types import SAMPLE_RATE_HZ, EngineEvent, Fault, FloatArray, StreamKey

log = logging.getLogger(__name__)
_FAULT_INTERVAL_S = 5.0
_LEAST_SAMPLES = SAMPLE_RATE_HZ // 400
"""No packet lasts less than 2.5 ms; padding, which lasts nothing, is held as if it did: else it would have no bound."""
Deliver = Callable[[list[EngineEvent], list[StreamKey]], None]
"""Takes the events of a tick, and the streams whose final result is due within one sending interval."""


class LiveEngine:
    """Runs an `Engine` for a live program. All methods but the thread's own belong to the event loop's thread."""

    def __init__(self, engine: Engine, config: RuntimeConfig, deliver: Deliver, metrics: Metrics) -> None:
        """``deliver`` is called on the event loop with the events of each tick."""
        self._engine = engine
        self._config = config
        self._deliver = deliver
        self._metrics = metrics
        self._inbox = Inbox(round(config.max_held_audio_s * SAMPLE_RATE_HZ))
        self._packets = PacketStreams()
        if not libopus.available():  # looked for here: on the event loop, reading folders would hold everybody up
            log.warning("libopus was not found: aiortc's own decoder is used, with gaps under loss (Debian: libopus0)")
        self._commands: deque[Callable[[], None]] = deque()
        self._open: set[StreamKey] = set()
        self._told_at: dict[StreamKey, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ser-tick", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def streams(self) -> set[StreamKey]:
        """Streams that are heard now."""
        return set(self._open)

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; events go to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Stop the thread after its present tick."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def open(self, key: StreamKey) -> None:
        """Begin a stream: from now on its audio is heard."""
        self._open.add(key)

    def push(self, key: StreamKey, samples: FloatArray, at: int) -> None:
        """Give samples of an open stream, the first at index ``at``; those of an unknown stream are dropped."""
        self._metrics.audio_s.inc(len(samples) / SAMPLE_RATE_HZ)
        self._inbox.put(key, Samples(samples, at), len(samples))

    def push_packet(self, key: StreamKey, arrival: Arrival) -> None:
        """Give a packet of an open stream; a stream has either packets or samples."""
        lasts = libopus.packet_length(arrival.payload) // libopus.RTP_PER_SAMPLE
        self._inbox.put(key, arrival, max(lasts, _LEAST_SAMPLES))

    async def flush(self, key: StreamKey) -> None:
        """End a stream. What was still open in it has been delivered, after all that came before, when this returns."""
        done: Future[None] = Future()
        self._commands.append(lambda: self._flush_now(key, done))
        await asyncio.wrap_future(done)

    def pause(self, key: StreamKey) -> None:
        """No audio arrives for now: what was said so far gets its final result with the next tick."""
        self._commands.append(lambda: self._pause_now(key))

    def discard(self, key: StreamKey) -> None:
        """Forget a stream with everything held of it."""
        self._open.discard(key)
        self._inbox.discard(key)
        self._commands.append(lambda: self._discard_now(key))

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            begun = time.monotonic()
            self._tick()
            self._metrics.tick_s.observe(time.monotonic() - begun)
            due += self._config.tick_s
            if (wait := due - time.monotonic()) > 0:
                self._stopping.wait(wait)
            else:
                self._metrics.late_ticks.inc()
                due = time.monotonic()

    def _tick(self) -> None:
        try:
            while self._commands:
                self._commands.popleft()()
            self._take_audio()
            events = self._engine.tick(self._config.provisional_per_tick)
            for key, error in self._packets.take_failed().items():
                events += self._faults([key], error)
        except Exception as error:  # the thread serves everybody: it reports, and lives
            events = self._faults(tuple(self._open), error)
        self._metrics.queued.set(self._engine.queue_length)
        self._metrics.dropped_s.set(self._inbox.dropped_samples / SAMPLE_RATE_HZ)
        self._metrics.replaced.set(self._engine.replaced)
        self._metrics.late_s.set(self._engine.late_samples / SAMPLE_RATE_HZ)
        self._metrics.count_packets(self._packets.counts)
        self._hand_over(events, self._engine.closing(self._config.event_interval_s))

    def _take_audio(self) -> None:
        for key, pieces in self._inbox.take().items():
            # Audio of a stream that was closed meanwhile has nobody left to hear about it.
            if key not in self._open:
                continue
            if key not in self._engine:
                self._engine.open(key)
            for piece in pieces:
                if isinstance(piece, Arrival):
                    self._packets.put(key, piece)
                else:
                    self._engine.push(key, *piece)
        self._hear(self._packets.take(time.monotonic()))

    def _hear(self, heard: Iterable[tuple[StreamKey, FloatArray, int]]) -> None:
        for key, samples, at in heard:
            self._metrics.audio_s.inc(len(samples) / SAMPLE_RATE_HZ)
            self._engine.push(key, samples, at)

    def _pause_now(self, key: StreamKey) -> None:
        self._take_audio()
        if key in self._engine:
            self._engine.pause(key)

    def _discard_now(self, key: StreamKey) -> None:
        self._packets.discard(key)
        self._engine.discard(key)

    def _flush_now(self, key: StreamKey, done: "Future[None]") -> None:
        try:
            self._take_audio()
            if key in self._engine:
                self._hear(self._packets.flush(key))
                self._hand_over(self._engine.flush(key), [])
        except Exception as error:  # others must not suffer from the end of one
            self._hand_over(self._faults([key], error), [])
        self._open.discard(key)
        if done.set_running_or_notify_cancel():
            done.set_result(None)

    def _faults(self, keys: Iterable[StreamKey], error: Exception) -> list[EngineEvent]:
        """The faults to tell of, in a while at most one per stream: a broken engine fails in every tick."""
        now = time.monotonic()
        news = [key for key in keys if now - self._told_at.get(key, -math.inf) > _FAULT_INTERVAL_S]
        if news:
            log.error("the engine failed", exc_info=error)
        self._told_at = {key: at for key, at in self._told_at.items() if key in self._open} | dict.fromkeys(news, now)
        return [Fault(key, "engine_failed", str(error)) for key in news]

    def _hand_over(self, events: list[EngineEvent], closing: list[StreamKey]) -> None:
        if (events or closing) and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, events, closing)
