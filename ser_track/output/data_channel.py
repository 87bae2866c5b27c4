"""Sends events to a participant over a WebRTC data channel, batched and bounded: a slow receiver blocks nobody."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Protocol

from ser_track.config.schema import RuntimeConfig
from ser_track.event_types import (
    Announcement,
    ConsentChanged,
    Emotion,
    EncodedEvent,
    Event,
    Joined,
    Notice,
    SpeechEnded,
    SpeechStarted,
)

_MAX_WAITING = 512
_MAX_BUFFERED_BYTES = 65_536
_POLL_S = 0.05
_SPACING_S = 0.03
"""Least time between messages with urgent events: the events of one engine tick are sent together."""


class DataChannel(Protocol):
    """The part of aiortc's `RTCDataChannel` that is used."""

    @property
    def readyState(self) -> str:  # noqa: N802  # the W3C name
        """``connecting``, ``open``, ``closing`` or ``closed``."""
        ...

    @property
    def bufferedAmount(self) -> int:  # noqa: N802  # the W3C name
        """Bytes that were queued with `send` and are not on the network yet."""
        ...

    def send(self, data: str) -> None:
        """Queue one message."""
        ...


class EventBatch:
    """Events that wait for one recipient. A newer provisional result replaces an older one of the same stream."""

    def __init__(self, config: RuntimeConfig) -> None:
        self._interval_s = config.event_interval_s
        self._message_bytes = config.message_bytes
        self._waiting: list[EncodedEvent] = []
        self._sent_at = float("-inf")

    def put(self, line: EncodedEvent) -> bool:
        """Add an event; false if the batch is full: the oldest provisional result is dropped, else the oldest event."""
        event = line.event
        self._waiting = [other for other in self._waiting if not _makes_pointless(event, other.event)]
        self._waiting.append(line)
        if len(self._waiting) <= _MAX_WAITING:
            return True
        provisional = (i for i, waiting in enumerate(self._waiting) if _is_provisional(waiting.event))
        del self._waiting[next(provisional, 0)]
        return False

    @property
    def waiting(self) -> bool:
        """Whether any event waits."""
        return bool(self._waiting)

    def due_in(self, now: float) -> float | None:
        """Return the seconds until the next messages may be sent; ``None`` when nothing waits.

        Events during ongoing speech can wait for the interval; all others are sent at once, together with them.
        """
        if not self._waiting:
            return None
        patient = all(_can_wait(line.event) for line in self._waiting)
        return max(0.0, self._sent_at + (self._interval_s if patient else _SPACING_S) - now)

    def take(self, now: float) -> list[str]:
        """Take all waiting events, as messages of at most ``message_bytes``."""
        lines, self._waiting = [line.text for line in self._waiting], []
        self._sent_at = now
        return split_messages(lines, self._message_bytes)


class DataChannelSink:
    """Sends a batch when it is due and the channel can take it."""

    def __init__(
        self, channel: DataChannel, config: RuntimeConfig, on_sent: Callable[[], None], on_dropped: Callable[[], None]
    ) -> None:
        """Takes events at once; `run` sends them. The callbacks count messages sent and events dropped."""
        self._channel = channel
        self._batch = EventBatch(config)
        self._wake = asyncio.Event()
        self._on_sent = on_sent
        self._on_dropped = on_dropped

    def put(self, line: EncodedEvent) -> None:
        """Queue an event."""
        if not self._batch.put(line):
            self._on_dropped()
        self._wake.set()

    async def flushed(self) -> None:
        """Return when all events have been sent to the network, or the channel is closed."""
        channel = self._channel
        while channel.readyState == "open" and (self._batch.waiting or channel.bufferedAmount):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)  # polled: neither the waiting batch nor aiortc's buffer sets an event

    async def run(self) -> None:
        """Send until the channel closes."""
        while self._channel.readyState in ("connecting", "open"):
            wait = self._batch.due_in(time.monotonic())
            if wait is None or wait > 0:
                await self._news(wait)
            elif self._channel.readyState == "connecting" or self._channel.bufferedAmount > _MAX_BUFFERED_BYTES:
                await asyncio.sleep(_POLL_S)
            else:
                for message in self._batch.take(time.monotonic()):
                    self._channel.send(message)
                    self._on_sent()

    async def _news(self, wait_s: float | None) -> None:
        """Wait for a new event, or for ``wait_s``: a new event may be due sooner than the waiting ones."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()


def split_messages(lines: list[str], message_bytes: int) -> list[str]:
    """``{"events":[…]}`` messages holding ``lines`` in order, each at most ``message_bytes`` long in UTF-8.

    A line that is too long by itself is sent alone: one large message is better than a lost event.
    """
    messages: list[list[str]] = []
    size = 0
    for line in lines:
        length = len(line.encode()) + 1
        if not messages or size + length > message_bytes:
            messages.append([])
            size = len('{"events":[]}')
        messages[-1].append(line)
        size += length
    return ['{"events":[' + ",".join(message) + "]}" for message in messages]


def read_message(message: str) -> list[dict[str, object]]:
    """Return the events of one message, for receivers written in Python."""
    events: list[dict[str, object]] = json.loads(message)["events"]
    return events


def _is_provisional(event: Event | Announcement) -> bool:
    return isinstance(event, Emotion) and not event.final


def _can_wait(event: Event | Announcement) -> bool:
    return _is_provisional(event) or isinstance(event, SpeechStarted)


def _makes_pointless(new: Event | Announcement, old: Event | Announcement) -> bool:
    """Whether ``old``, not sent yet, should not be sent: it is outdated, or its participant has just withdrawn."""
    if isinstance(new, Notice):
        return isinstance(old, Notice) and old.participant == new.participant
    if isinstance(new, Joined):
        return isinstance(old, Joined) and old.key == new.key
    if not isinstance(old, Emotion | SpeechStarted | SpeechEnded):
        return False
    if isinstance(new, Emotion):
        return isinstance(old, Emotion) and not old.final and old.key == new.key and old.segment <= new.segment
    return isinstance(new, ConsentChanged) and not new.analysed and old.key.participant == new.key.participant
