"""What it takes to find a VideoRoom."""

from dataclasses import dataclass, field

from ser_track.config.urls import websocket_url


@dataclass(frozen=True, slots=True)
class JanusTarget:
    """Where to go; the fields are those of ``POST /meetings`` and the options of ``ser-track join``."""

    url: str = field(metadata={"check": websocket_url})
    """Of Janus's WebSocket API: ws(s)://host[:port][/path]."""
    room: str = field(metadata={"help": "the room's number, or its name with --string-ids"})
    string_ids: bool = field(default=False, metadata={"help": "rooms are named by strings on this server"})
    pin: str | None = field(default=None, repr=False, metadata={"help": "of the room"})
    token: str | None = field(default=None, repr=False, metadata={"help": "of Janus's token authentication"})
    api_secret: str | None = field(default=None, repr=False, metadata={"help": "of Janus's API"})

    @property
    def where(self) -> str:
        """Server and room, for people; no secret is in it."""
        return f"janus {self.url} room {self.room}"
