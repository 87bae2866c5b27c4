"""What it takes to find a VideoRoom."""

from dataclasses import dataclass, field

from ser_track.config.urls import websocket_url


@dataclass(frozen=True, slots=True)
class JanusTarget:
    """Where to go; the fields are those of ``POST /meetings`` and the options of ``ser-track join``."""

    url: str = field(metadata={"check": websocket_url})
    """Of Janus's WebSocket API: ws(s)://host[:port][/path]."""
    room: str
    """A number, unless the plugin has ``string_ids``."""
    string_ids: bool = False
    """Whether rooms are called by strings there."""
    pin: str | None = field(default=None, repr=False)
    """Of the room."""
    token: str | None = field(default=None, repr=False)
    """Of Janus's token authentication."""
    api_secret: str | None = field(default=None, repr=False)
    """Of Janus's API."""

    @property
    def where(self) -> str:
        """Server and room, for people; no secret is in it."""
        return f"janus {self.url} room {self.room}"
