"""The sender's messages on the data channel, and ours beside the events: docs/meetings.md lists them."""

import json
from dataclasses import dataclass
from typing import Any, Final

from ser_track.errors import BadRequestError, MeetingError
from ser_track.meetings.attendee import Attendee

_MAX_ID: Final = 200
_MAX_SSRC: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Announcement:
    """Somebody is on a track from now on."""

    mid: str
    id: str
    name: str
    ssrc: int | None


def read_announcement(body: dict[str, Any]) -> Announcement:
    """``{"mid", "id", "name"}``, perhaps with ``ssrc``. Raises BadRequestError."""
    ssrc = body.get("ssrc")
    if ssrc is not None and (not isinstance(ssrc, int) or isinstance(ssrc, bool) or not 0 <= ssrc <= _MAX_SSRC):
        raise BadRequestError(
            f"'ssrc' must be a number of 32 bits, not {repr(ssrc)[:40]}; leave it out if it is unknown"
        )
    return Announcement(read_text(body, "mid"), read_id(body), read_text(body, "name"), ssrc)


def read_id(body: dict[str, Any]) -> str:
    """The sender's id of a person. Raises BadRequestError."""
    if not 0 < len(given := read_text(body, "id")) <= _MAX_ID:
        raise BadRequestError(f"'id' must have 1 to {_MAX_ID} characters, not {len(given)}")
    return given


def read_text(body: dict[str, Any], key: str) -> str:
    """The string at ``key``. Raises BadRequestError."""
    if not isinstance(value := body.get(key), str):
        raise BadRequestError(f"'{key}' must be a string, and is {'missing' if value is None else repr(value)[:40]}")
    return value


def of_person(foreign: str, mid: str, attendee: Attendee, own_url: str | None) -> str:
    """Who somebody is here, and the link that is theirs alone."""
    return _encoded(
        {
            "type": "person",
            "id": foreign,
            "mid": mid,
            "participant": attendee.id,
            "stream": attendee.key.stream,
            "name": attendee.name,
            "analysed": attendee.analysed,
            "own_url": own_url,
        }
    )


def of_answer(sdp: str) -> str:
    """Our answer to a later offer."""
    return _encoded({"type": "answer", "sdp": sdp})


def of_error(code: str, message: str, about: dict[str, Any] | None = None) -> str:
    """A refusal, with what it is ``about``: the ``type``, ``mid`` and ``id`` of a message, or an ``ssrc``."""
    of = {name: value for name, value in (about or {}).items() if isinstance(value, str | int)}
    named = {name: of[name] for name in ("mid", "id", "ssrc") if name in of and len(str(of[name])) <= _MAX_ID}
    return _encoded({"type": "error", "code": code, "message": message, **named})


def of_refusal(error: MeetingError, about: dict[str, Any]) -> str:
    """Why a message was refused."""
    return of_error(error.code, str(error), about)


def _encoded(message: dict[str, Any]) -> str:
    # Escaped: ids come from JSON, which may contain a lone surrogate, and that cannot be sent as UTF-8.
    return json.dumps(message, allow_nan=False, separators=(",", ":"))
