"""The options that identify a VideoRoom."""

from dataclasses import dataclass, field
from typing import Final

from ser_track.config.urls import websocket_url

_URL: Final = r"^wss?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"


def _secret(description: str) -> str | None:
    secret: str | None = field(default=None, repr=False, metadata={"description": description})
    return secret


@dataclass(frozen=True, slots=True)
class JanusTarget:
    """The server and the room; the fields are those of ``POST /meetings`` and the options of ``ser-track join``."""

    url: str = field(
        metadata={
            "description": "Janus's WebSocket address: ws(s)://host[:port][/path], without user, query or fragment.",
            "check": websocket_url,
            "schema": {"pattern": _URL, "examples": ["wss://janus.example.org/janus"]},
        }
    )
    room: str = field(
        metadata={
            "description": "The room's number, or its name if the plugin uses string_ids.",
            "schema": {"examples": [1234]},
        }
    )
    string_ids: bool = field(default=False, metadata={"description": "Whether the plugin uses strings as room ids."})
    pin: str | None = _secret("The PIN of the room.")
    token: str | None = _secret("The token for Janus's token authentication.")
    api_secret: str | None = _secret("The secret of Janus's API.")

    @property
    def where(self) -> str:
        """Server and room, for people, without secrets."""
        return f"janus {self.url} room {self.room}"
