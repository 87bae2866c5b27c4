"""The kinds of servers whose meetings can be joined: one entry for each adapter, and nothing else knows their names."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

from ser_track.config.reader import accept
from ser_track.config.urls import websocket_url
from ser_track.errors import BadRequestError, ForbiddenError
from ser_track.meetings.adapters.janus.room import JanusRoom, JanusTarget
from ser_track.meetings.meeting import Meeting, Services

_PORTS: Final = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Kind:
    """An adapter; ``target`` is a dataclass with a ``url`` and what else it takes to join."""

    summary: str
    target: type[Any]
    make: Callable[[Any, Services], Meeting]

    @property
    def required(self) -> list[str]:
        """The fields of the target that must be given."""
        return [field.name for field in fields(self.target) if field.default is MISSING]


KINDS: Final = {"janus": Kind("a room of Janus's VideoRoom plugin", JanusTarget, JanusRoom)}


def make_meeting(kind: str, given: Mapping[str, Any], services: Services) -> Meeting:
    """The adapter for what ``given`` names, not joined yet.

    Raises:
        BadRequestError: no such kind, or a field is missing, unknown or impossible; all are named, no value is.
    """
    if kind not in KINDS:
        raise BadRequestError(f"'server' must be one of {', '.join(KINDS)}, and is {kind[:40]!r}")
    chosen = KINDS[kind]
    # Rooms may be numbers, and JSON has those.
    values = {
        name: str(value) if name == "room" and isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in given.items()
    }
    problems = [f"'{name}' is missing" for name in chosen.required if name not in values]
    known = {field.name for field in fields(chosen.target)}
    problems += [f"unknown field '{name[:40]}' (known: {', '.join(sorted(known))})" for name in values.keys() - known]
    refused: list[str] = []
    target = accept(chosen.target, {name: value for name, value in values.items() if name in known}, kind, refused)
    # What was refused is named without its value: it may be a secret.
    problems += [refusal.partition(", not ")[0] for refusal in refused]
    try:
        websocket_url(values.get("url"))
    except ValueError as error:
        problems.append(f"'url' {error}")
    if problems:
        raise BadRequestError("; ".join(problems))
    return chosen.make(chosen.target(**target), services)


def check_allowed(url: str, allowed: tuple[str, ...]) -> None:
    """Pass if ``url`` is one of the servers that may be called, or lies below one.

    Raises:
        ForbiddenError: it is not: nobody is to make this server call where it should not.
    """
    if not any(_below(url, target) for target in allowed):
        raise ForbiddenError(
            f"this server does not join meetings at {url}; if it should, add it to meetings.allowed_targets"
        )


def _below(url: str, target: str) -> bool:
    asked, granted = urlsplit(url), urlsplit(target)
    if (asked.scheme, asked.hostname) != (granted.scheme, granted.hostname):
        return False
    if (asked.port or _PORTS.get(asked.scheme)) != (granted.port or _PORTS.get(granted.scheme)):
        return False
    path = granted.path.rstrip("/")
    # "..", however it is written, could lead elsewhere; no server needs it.
    return ".." not in asked.path and (asked.path == path or asked.path.startswith(f"{path}/"))
