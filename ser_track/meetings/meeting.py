"""The joint between the bot and meetings on other servers: one adapter for each kind of server.

An adapter knows its server and nothing of emotions; it tells a `Host` who is there and lets their audio come. What was
answered, who is told what, and when to try again are the host's. Peer connections stay inside the adapters, since some
servers have none of ours.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from aiohttp import ClientSession

from ser_track.config.schema import Config
from ser_track.events import EncodedEvent, Joined
from ser_track.live.metrics import Metrics
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.peer_owner import SocketReader


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of server can do."""

    results: Literal["data_channel", "messages"]
    """How results return into the meeting."""
    refusal: Literal["meeting", "link"]
    """Whether a refusal can come through the meeting itself, or only over the link of the notice."""


@dataclass(frozen=True, slots=True)
class Services:
    """What adapters use of the program around them."""

    config: Config
    metrics: Metrics
    reader: SocketReader
    http: ClientSession


class Host(Protocol):
    """Whom an adapter tells; all on the event loop. ``foreign`` is the other server's id of a participant."""

    def joined(self, foreign: str, name: str, sends_silence: bool = True) -> Attendee | None:
        """Somebody is there, perhaps again; ``None`` where one too many. See `Tap` for ``sends_silence``."""
        ...

    def renamed(self, foreign: str, name: str) -> None:
        """Somebody who is there goes by another name from now on."""
        ...

    def left(self, foreign: str, reason: str) -> None:
        """Somebody is gone; what was open of their speech is told first."""
        ...

    def attendee(self, foreign: str) -> Attendee | None:
        """Who ``foreign`` is, while they are there."""
        ...

    def answered(self, attendee: Attendee, analysed: bool) -> None:
        """They agreed or refused, through the meeting itself."""
        ...

    def present(self) -> list[Joined]:
        """Who is there."""
        ...

    def everybody_left(self, reason: str) -> None:
        """The meeting is lost, or over."""
        ...


class Meeting(Protocol):
    """One meeting on another server. After `connect` failed or `wait` returned, `connect` may be called again."""

    @property
    def kind(self) -> str:
        """The kind of server, as the command line and the service name it."""
        ...

    @property
    def where(self) -> str:
        """Server and room, for people; no secret is in it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this kind of server can do."""
        ...

    async def connect(self, host: Host) -> None:
        """Join; from then on ``host`` is told of everybody, those present first.

        Raises:
            JoinError: the meeting cannot be joined; nothing of the attempt is left.
        """
        ...

    async def wait(self) -> str:
        """Stay until the meeting is lost; returns why.

        Raises:
            JoinError: the meeting is over for us, or does not want us: there is no use in coming back.
        """
        ...

    def publish(self, line: EncodedEvent) -> None:
        """Tell everybody in the meeting; never waits."""
        ...

    def announce(self, line: EncodedEvent, to: Attendee | None = None) -> None:
        """The notice, to everybody or, where the server can, to one who has just come. Never waits."""
        ...

    async def close(self) -> None:
        """Leave, politely if the server still listens; never raises. Nothing is left on either side."""
        ...
