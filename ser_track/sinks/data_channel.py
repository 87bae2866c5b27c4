"""Events to one participant over a WebRTC data channel: batched, split, bounded; a slow receiver hurts itself alone."""

import asyncio
import json
import time
from typing import Protocol

from ser_track.config import RuntimeConfig
from ser_track.sinks.encode import to_line
from ser_track.types import Emotion, Event

_MAX_WAITING = 512
_MAX_BUFFERED_BYTES = 65_536
_POLL_S = 0.05


class Channel(Protocol):
    """The part of aiortc's `RTCDataChannel` that is used."""

    @property
    def readyState(self) -> str:  # noqa: N802  # the W3C name
        """``connecting``, ``open``, ``closing`` or ``closed``."""
        ...

    @property
    def bufferedAmount(self) -> int:  # noqa: N802  # the W3C name
        """Bytes that were sent and are not on the network yet."""
        ...

    def send(self, data: str) -> None:
        """Queue one message."""
        ...


class EventBatch:
    """What waits for one recipient. A newer provisional result replaces the older one of the same stream."""

    def __init__(self, config: RuntimeConfig) -> None:
        self._interval_s = config.event_interval_s
        self._message_bytes = config.message_bytes
        self._waiting: list[Event] = []
        self._sent_at = float("-inf")
        self.dropped = 0
        """Events thrown away because the recipient did not take them."""

    def put(self, event: Event) -> None:
        """Add ``event``; when too much waits, the oldest provisional result goes, else the oldest event."""
        if isinstance(event, Emotion):
            self._waiting = [other for other in self._waiting if not _replaces(event, other)]
        self._waiting.append(event)
        if len(self._waiting) > _MAX_WAITING:
            provisional = (i for i, e in enumerate(self._waiting) if isinstance(e, Emotion) and not e.final)
            del self._waiting[next(provisional, 0)]
            self.dropped += 1

    def due_in(self, now: float) -> float | None:
        """Seconds until the next messages may go; ``None`` when nothing waits."""
        return max(0.0, self._sent_at + self._interval_s - now) if self._waiting else None

    def take(self, now: float) -> list[str]:
        """All that waits, as messages of at most ``message_bytes``."""
        lines, self._waiting = [to_line(event) for event in self._waiting], []
        self._sent_at = now
        return split_messages(lines, self._message_bytes)


class DataChannelSink:
    """Sends a batch whenever one is due and the channel can take it."""

    def __init__(self, channel: Channel, config: RuntimeConfig) -> None:
        """Takes events at once; `run` sends them."""
        self._channel = channel
        self._batch = EventBatch(config)
        self._wake = asyncio.Event()
        self.messages = 0

    @property
    def dropped(self) -> int:
        """Events that this receiver was too slow for."""
        return self._batch.dropped

    def put(self, event: Event) -> None:
        """Queue ``event``."""
        self._batch.put(event)
        self._wake.set()

    async def run(self) -> None:
        """Send until the channel closes."""
        while self._channel.readyState in ("connecting", "open"):
            if (wait := self._batch.due_in(time.monotonic())) is None:
                self._wake.clear()
                await self._wake.wait()
            elif wait > 0:
                await asyncio.sleep(wait)
            elif self._channel.readyState == "connecting" or self._channel.bufferedAmount > _MAX_BUFFERED_BYTES:
                await asyncio.sleep(_POLL_S)
            else:
                for message in self._batch.take(time.monotonic()):
                    self._channel.send(message)
                    self.messages += 1


def split_messages(lines: list[str], message_bytes: int) -> list[str]:
    """``{"events":[…]}`` messages holding ``lines`` in order, each at most ``message_bytes`` long in UTF-8.

    A line that is too long by itself goes alone: one big message beats a lost event.
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
    """The events of one message, for receivers written in Python."""
    events: list[dict[str, object]] = json.loads(message)["events"]
    return events


def _replaces(new: Emotion, old: Event) -> bool:
    return isinstance(old, Emotion) and not old.final and old.key == new.key and old.segment <= new.segment
