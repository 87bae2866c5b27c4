"""What identifies a meeting whose tracks somebody sends, in ``POST /meetings``."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_MAX_NAME: Final = 200


def check_name(value: str) -> None:
    """Raise ValueError; its text completes a sentence that begins with the name of the field."""
    if len(value) > _MAX_NAME or not value.isprintable():
        raise ValueError(f"must have 1 to {_MAX_NAME} printable characters")


@dataclass(frozen=True, slots=True)
class TracksTarget:
    """A meeting, and the sender's offer."""

    sdp: str = field(
        repr=False,
        metadata={
            "description": "The sender's offer: an audio section for each track, and a data channel, in a BUNDLE."
        },
    )
    name: str | None = field(
        default=None,
        metadata={
            "description": "The meeting's name at the sender. Under the same name, answers of people hold if it "
            "comes back within `meetings.linger_s`.",
            "check": check_name,
        },
    )

    @property
    def where(self) -> str:
        """The meeting, for people."""
        return f"tracks {self.name or sha256(self.sdp.encode(errors='replace')).hexdigest()[:12]}"
