"""The options that identify a stream of a WHEP server."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from ser_track.config.urls import server_url

_URL: Final = r"^https?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"


def whep_url(value: str) -> None:
    """``http(s)://host[:port][/path]``, without user, query or fragment. Raises ValueError."""
    try:
        server_url(value)
        fits = urlsplit(value).scheme in ("http", "https")
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"must be http(s)://host[:port][/path], without user, query or fragment, not {value!r}")


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """The stream; the fields are those of ``POST /meetings`` and the options of ``ser-track join``."""

    url: str = field(
        metadata={
            "description": "The stream's WHEP address: http(s)://host[:port][/path], without user, query or fragment.",
            "check": whep_url,
            "schema": {"pattern": _URL, "examples": ["https://media.example.org/talk/whep"]},
        }
    )
    name: str | None = field(
        default=None, metadata={"description": "The name of the person who speaks; by default, the address."}
    )
    bearer_token: str | None = field(
        default=None, repr=False, metadata={"description": "The token that the server asks for."}
    )

    @property
    def where(self) -> str:
        """The stream, for people, without secrets."""
        return f"whep {self.url}"

    @property
    def speaker(self) -> str:
        """The name of the one person there."""
        parts = urlsplit(self.url)
        return self.name or f"{parts.hostname}{parts.path}"
