"""The part of a connection that stays on the event loop's thread: what the tick thread reads and aiortc must get."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from aioice.ice import StunProtocol
from aiortc.rtcrtpreceiver import StreamStatistics

from ser_track.aiortc_internals.receiver_stats import ReceiverStats
from ser_track.aiortc_internals.red import is_opus, opus_inside

log = logging.getLogger(__name__)
MAX_WAITING: Final = 64
_AT_ONCE: Final = 8


class Source(NamedTuple):
    """One SSRC with one payload type."""

    counted: ReceiverStats
    opus_inside: int | None
    """For RED: the payload type of Opus inside of it."""


class AiortcSide:
    """The part that stays on the event loop's thread; the tick thread calls it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: StunProtocol,
        remote: tuple[str, int],
        codecs: dict[int, Any],
        statistics: dict[int, StreamStatistics],
    ) -> None:
        self.loop = loop
        self._protocol = protocol
        self._remote = remote
        self._codecs = codecs
        self._statistics = statistics
        self._waiting: deque[bytes | Callable[[], None]] = deque()

    def __bool__(self) -> bool:
        """Whether anything is set aside."""
        return bool(self._waiting)

    def set_aside(self, datagrams: list[bytes]) -> None:
        """Keep datagrams for `receive`, no more than aioice's own socket would hold."""
        if (room := MAX_WAITING - len(self._waiting)) > 0:
            self._waiting.extend(datagrams[:room])

    def call_after(self, done: Callable[[], None]) -> None:
        """Call ``done`` on the event loop once aioice has got everything that is set aside so far."""
        self._waiting.append(done)

    def receive(self) -> None:
        """Give aioice a few datagrams as if they came from its own socket, then let other tasks run."""
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            item = self._waiting.popleft()
            try:
                if isinstance(item, bytes):
                    self._protocol.datagram_received(item, self._remote)
                else:
                    item()
            except Exception:  # a datagram that aioice cannot handle; its own socket would ignore it too
                log.debug("a datagram could not be handled", exc_info=True)
        if self._waiting:
            self.loop.call_soon(self.receive)

    def accepted(self, ssrc: int, payload_type: int) -> Source | None:
        """An Opus source that aiortc has routed to this receiver; aiortc and this module share its statistics."""
        known, inside = self._statistics.get(ssrc), opus_inside(self._codecs, payload_type)
        if known is None or (inside is None and not is_opus(self._codecs, payload_type)):
            return None
        if not isinstance(known, ReceiverStats):
            # The key exists already, so the dictionary keeps its size while aiortc iterates over it.
            known = self._statistics[ssrc] = ReceiverStats(known)
        return Source(known, inside)


def hand_over(sides: Iterable[AiortcSide]) -> None:
    """Give aiortc what is set aside for it: the event loop wakes up once for all connections."""
    waiting = [each for each in sides if each]
    if waiting and not (loop := waiting[0].loop).is_closed():
        loop.call_soon_threadsafe(_receive_all, waiting)


def _receive_all(waiting: Iterable[AiortcSide]) -> None:
    for each in waiting:
        each.receive()
