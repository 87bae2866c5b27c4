"""The contract between the bot and one kind of meeting: an adapter provides a `Meeting` and reports to a `Host`.

An adapter knows its server, and nothing about emotions. It reports to a `Host` who is there, and passes on their audio.
The host handles consent, decides what to send to whom, and when to connect again. Peer connections stay inside the
adapters, because some servers do not use ours.
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
    """The capabilities of a kind of meeting."""

    results: Literal["data_channel", "messages", "none"]
    """How results get back into the meeting. With ``none``, only programs that read its events get them."""
    refusal: Literal["meeting", "link"]
    """Whether people can refuse in the meeting itself, or only over the link of the notice."""
    personal_links: bool = False
    """Whether each person gets a link of their own, which nobody else sees: the adapter sends them `Host.present`."""
    needs_link: bool = True
    """Whether people need the link of the notice to answer, because not every client there lets them answer."""


@dataclass(frozen=True, slots=True)
class Services:
    """Parts of the program that adapters use."""

    config: Config
    metrics: Metrics
    audio: AudioHost
    """Reads the sockets of connections."""
    http: HttpClient


class Host(Protocol):
    """Receives an adapter's reports, on the event loop. ``foreign`` is the meeting's own id of a participant."""

    def joined(
        self,
        foreign: str,
        name: str,
        *,
        analysed: bool | None = None,
        sends_silence: bool = True,
        publishes: bool = True,
    ) -> Attendee | None:
        """Somebody is there, perhaps again; returns ``None`` if the limit of participants is reached.

        ``analysed`` is their answer when they joined, if they were asked. For ``sends_silence`` see `StreamFeed`.
        Without ``publishes`` they send no audio, and are not analysed until they do.
        """
        ...

    def publishing(self, foreign: str, publishes: bool) -> None:
        """Somebody who is there starts or stops publishing audio."""
        ...

    def renamed(self, foreign: str, name: str) -> None:
        """Somebody who is there has a new name."""
        ...

    def left(self, foreign: str, reason: str) -> None:
        """Somebody is gone; the results of their open segments are sent first."""
        ...

    async def parted(self) -> None:
        """Return once the last results of everyone who has left have been sent."""
        ...

    def answered(self, attendee: Attendee, analysed: bool) -> None:
        """They agreed or refused, through the meeting itself."""
        ...

    def present(self, to: Attendee | None = None) -> list[EncodedEvent]:
        """The events that a latecomer needs: the notice, and the people who are there.

        If they go to one person alone, say to whom: then the notice has a link of theirs, which nobody else may see.
        """
        ...


class Meeting(Sink, Protocol):
    """One meeting. After `connect` failed or `wait` returned, `connect` may be called again.

    As a `Sink` it gets every event of the meeting. It sends people there the events that they can receive, and sends
    the notice to latecomers too. `put` never waits.
    """

    async def connect(self) -> None:
        """Join. From then on the host gets a report of every participant, those already present first.

        Raises:
            JoinError: the meeting cannot be joined; the attempt leaves nothing behind.
        """
        ...

    async def wait(self) -> str:
        """Stay until the meeting is lost; returns why.

        Raises:
            JoinError: the meeting is over for the bot, or refuses it: connecting again is useless.
        """
        ...

    async def close(self) -> None:
        """Leave, with a goodbye if the server still listens; never raises. Nothing is left on either side."""
        ...
