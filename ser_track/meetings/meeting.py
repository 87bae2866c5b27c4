"""The contract between the bot and one kind of meeting: `Meeting` is what an adapter provides, `Host` whom it tells.

An adapter knows its server and nothing of emotions; it tells a `Host` who is there and lets their audio come. What was
answered, who is told what, and when to try again are the host's. Peer connections stay inside the adapters, since some
servers have none of ours.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from ser_track.config.schema import Config
from ser_track.event_types import EncodedEvent
from ser_track.live.media_sockets import AudioHost
from ser_track.live.metrics import Metrics
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.http_client import HttpClient
from ser_track.protocols import Sink


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of meeting can do."""

    results: Literal["data_channel", "messages"]
    """How results return into the meeting."""
    refusal: Literal["meeting", "link"]
    """Whether a refusal can come through the meeting itself, or only over the link of the notice."""
    needs_link: bool = True
    """Whether people need the link of the notice to answer, because not every client there can answer by itself."""


@dataclass(frozen=True, slots=True)
class Services:
    """What adapters use of the program around them."""

    config: Config
    metrics: Metrics
    audio: AudioHost
    """Where audio of connections goes."""
    http: HttpClient


class Host(Protocol):
    """Whom an adapter tells; all on the event loop. ``foreign`` is the meeting's own id of a participant."""

    def joined(
        self,
        foreign: str,
        name: str,
        *,
        analysed: bool | None = None,
        sends_silence: bool = True,
        publishes: bool = True,
    ) -> Attendee | None:
        """Somebody is there, perhaps again; ``None`` where that is one too many.

        ``analysed`` is what they answered when they came, where they were asked. See `StreamFeed` for
        ``sends_silence``. Without ``publishes`` they send no audio, and are not analysed until they do.
        """
        ...

    def publishing(self, foreign: str, publishes: bool) -> None:
        """Somebody who is there sends audio from now on, or no longer."""
        ...

    def renamed(self, foreign: str, name: str) -> None:
        """Somebody who is there goes by another name from now on."""
        ...

    def left(self, foreign: str, reason: str) -> None:
        """Somebody is gone; what was open of their speech is told first."""
        ...

    async def parted(self) -> None:
        """Return when the last words of everyone who has left were told."""
        ...

    def answered(self, attendee: Attendee, analysed: bool) -> None:
        """They agreed or refused, through the meeting itself."""
        ...

    def present(self) -> list[EncodedEvent]:
        """What a latecomer must know: the notice, and who is there."""
        ...


class Meeting(Sink, Protocol):
    """One meeting. After `connect` failed or `wait` returned, `connect` may be called again.

    As a `Sink` it gets every event of the meeting and brings those that people there can receive to them, the notice
    to latecomers too. `put` never waits.
    """

    async def connect(self) -> None:
        """Join; from then on the host is told of everybody, those present first.

        Raises:
            JoinError: the meeting cannot be joined; nothing of the attempt is left.
        """
        ...

    async def wait(self) -> str:
        """Stay until the meeting is lost; returns why.

        Raises:
            JoinError: the meeting is over for us, or does not want us: coming back is useless.
        """
        ...

    async def close(self) -> None:
        """Leave, politely if the server still listens; never raises. Nothing is left on either side."""
        ...
