"""The interface that an `AnalysisPeer` needs from its owner, and what owners share."""

import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from ser_track.chunk import Chunk
from ser_track.errors import BadRequestError
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.json_messages import parse_object, read_consent
from ser_track.meetings.rate_limits import ANSWERS_BURST, ANSWERS_PER_S, Allowance
from ser_track.rtp.header import Arrival

log = logging.getLogger(__name__)


class PeerOwner(Protocol):
    """The owner of a connection; called on the event loop."""

    def packet(self, arrival: Arrival) -> None:
        """An RTP packet with Opus."""
        ...

    def heard(self, chunk: Chunk) -> None:
        """Samples of any other codec, in the track's own media time."""
        ...

    def fault(self, code: str, message: str) -> None:
        """Audio of this participant cannot be used."""
        ...

    def connected(self) -> None:
        """The connection is established."""
        ...

    def channel_opened(self) -> None:
        """Events can be received from now on."""
        ...

    def channel_message(self, text: str) -> None:
        """The participant sent a message on the data channel."""
        ...

    def connection_lost(self, reason: str) -> None:
        """The connection is gone, and we did not close it."""
        ...


class AttendeeOwner:
    """The half of a `PeerOwner` that passes the connection's audio to an attendee."""

    def __init__(self, attendee: Attendee) -> None:
        self.attendee = attendee

    def packet(self, arrival: Arrival) -> None:
        """See `PeerOwner`."""
        self.attendee.arrived(arrival)

    def connected(self) -> None:
        """See `PeerOwner`."""

    def heard(self, chunk: Chunk) -> None:
        """See `PeerOwner`."""
        self.attendee.heard(chunk)

    def fault(self, code: str, message: str) -> None:
        """See `PeerOwner`."""
        self.attendee.fault(code, message)


class AnsweringOwner(AttendeeOwner):
    """An `AttendeeOwner` whose attendee may answer on a data channel that carries other messages too."""

    def __init__(self, attendee: Attendee, answered: Callable[[Attendee, bool], None]) -> None:
        """``answered`` takes each answer: that of `Host`."""
        super().__init__(attendee)
        self._answered = answered
        self._answers = Allowance(ANSWERS_PER_S, ANSWERS_BURST)

    def channel_message(self, text: str) -> None:
        """See `PeerOwner`. Ignore any message that is not an answer; a refusal always counts."""
        with contextlib.suppress(BadRequestError):
            analysed = read_consent(parse_object(text))
            if self._answers.take() or not analysed:
                self._answered(self.attendee, analysed)
            else:
                log.warning("'%s' agrees too often in a short time: an agreement is ignored", self.attendee.name)
