"""What it takes to find a VideoRoom."""

from dataclasses import dataclass, field
from typing import Final

from ser_track.config.urls import websocket_url

_URL: Final = r"^wss?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"


def _secret(description: str) -> str | None:
    secret: str | None = field(default=None, repr=False, metadata={"description": description})
    return secret


@dataclass(frozen=True, slots=True)
class JanusTarget:
    """Where to go; the fields are those of ``POST /meetings`` and the options of ``ser-track join``."""

    url: str = field(
        metadata={
            "description": "Of Janus's WebSocket API: ws(s)://host[:port][/path], without user, query or fragment.",
            "check": websocket_url,
            "schema": {"pattern": _URL, "examples": ["wss://janus.example.org/janus"]},
        }
    )
    room: str = field(
        metadata={
            "description": "The room's number, or its name where the plugin has string_ids.",
            "schema": {"examples": [1234]},
        }
    )
    string_ids: bool = field(default=False, metadata={"description": "Whether rooms are called by strings there."})
    pin: str | None = _secret("Of the room.")
    token: str | None = _secret("Of Janus's token authentication.")
    api_secret: str | None = _secret("Of Janus's API.")

    @property
    def where(self) -> str:
        """Server and room, for people; no secret is in it."""
        return f"janus {self.url} room {self.room}"
