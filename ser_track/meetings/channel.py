"""The events of one meeting: each is encoded once, and put to every sink."""

import logging

from ser_track.event_types import Announcement, EncodedEvent, Event
from ser_track.meetings.event_log import EventLog
from ser_track.output.wire import encode
from ser_track.protocols import Sink

log = logging.getLogger(__name__)


class Channel:
    """One publisher for one meeting. A failure of one sink is logged, and the others get every event."""

    def __init__(self, meeting: str) -> None:
        """``meeting`` is the meeting's id here. Its `EventLog` is the first sink."""
        self.log = EventLog(meeting)
        self._sinks: list[Sink] = [self.log]
        self._failed: set[int] = set()
        """Sinks whose first failure is logged already."""

    def add(self, sink: Sink) -> None:
        """Put every later event to ``sink`` too."""
        self._sinks.append(sink)

    def remove(self, sink: Sink) -> None:
        """Put no more events to ``sink``."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    def emit(self, event: Event | Announcement) -> EncodedEvent:
        """Encode ``event``, and put it to every sink."""
        encoded = encode(event)
        for sink in tuple(self._sinks):
            try:
                sink.put(encoded)
            except Exception:  # a failure of one sink must not affect the others
                if id(sink) not in self._failed:
                    self._failed.add(id(sink))
                    name = type(sink).__name__
                    log.exception(
                        "meeting %s: %s failed at an event; later failures are not logged", self.log.meeting, name
                    )
        return encoded
