"""What a kind of meeting says of itself. docs/extending.md shows a complete one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, Final, get_type_hints

from ser_track.meetings.meeting import Capabilities, Host, Meeting, Services

_KIND: Final = re.compile(r"[a-z][a-z0-9-]*")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_TYPES: Final = (str, bool, str | None)
_OF_REQUESTS: Final = {"server", "consent"}
"""Fields that `POST /meetings` has for every kind."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One kind of meeting.

    Raises:
        TypeError: a field of the target, or a name, is not as described below.
    """

    kind: str
    """Its name: lower case letters, digits and ``-``."""
    summary: str
    """What is joined, for `ser-track join --help`: "a room of …"."""
    target: type[Any]
    """A frozen dataclass with what it takes to find one meeting, and a property ``where``: the same in words, for
    people, without secrets. Its fields are options of ``ser-track join`` and ``POST /meetings``: ``str``, ``bool`` or
    ``str | None``. ``repr=False`` marks a secret. ``metadata`` may have a ``description`` for people, a ``check``,
    which is a function that raises ValueError with the end of a sentence that begins with the field, and a ``schema``,
    which is more JSON Schema of the field. Where the bot can be sent, ``url`` is one of them."""
    make: Callable[[Any, Host, Services], Meeting]
    """The meeting that a target names, not joined yet; it tells the host who is there."""
    capabilities: Capabilities
    schemes: Mapping[str, str] = field(default_factory=dict)
    """Of URLs that name such a meeting, with the scheme that the server itself speaks: ``{"janus": "ws"}``.
    Empty where the bot is not sent, because people or bridges come to it."""
    routes: str | None = None
    """A module with ``ROUTES`` of aiohttp, where the kind needs paths of its own; imported by the web server alone.
    They need the same access as ``/meetings``; with ``GUARDED = False`` their handlers ask the guard by themselves.
    ``target_of(request)`` there says which meeting a request is about, so that of several processes the right one gets
    it. ``OPENAPI`` and ``ASYNCAPI`` there, if any, are added to the service's documents: objects with ``paths`` or
    ``channels``, ``components`` and ``tags``."""
    limit: str = "meetings.max_meetings"
    """The key of the configuration that bounds how many there may be; kinds with the same key share it."""

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise TypeError(f"kind must be lower case letters, digits and '-', and is {self.kind!r}")
        if wrong := [scheme for scheme in self.schemes if not _SCHEME.fullmatch(scheme)]:
            raise TypeError(f"schemes must be lower case, as in URLs, and not {', '.join(wrong)}")
        if not is_dataclass(self.target) or not hasattr(self.target, "where"):
            raise TypeError(f"target {self.target.__name__} must be a dataclass with a property 'where'")
        for name, kind in self.types.items():
            if kind not in _TYPES:
                raise TypeError(f"'{name}' of {self.target.__name__} must be str, bool or str | None, and is {kind}")
            if name in _OF_REQUESTS:
                raise TypeError(f"'{name}' of {self.target.__name__} needs another name: every request has that field")
        if self.schemes and "url" not in self.fields:
            raise TypeError(f"{self.target.__name__} needs a field 'url': the address that its schemes lead to")

    @property
    def fields(self) -> dict[str, "Field[Any]"]:
        """The fields of the target, by name."""
        return {each.name: each for each in fields(self.target)}

    @property
    def types(self) -> dict[str, type]:
        """The type of each of them, also where annotations are strings."""
        hints = get_type_hints(self.target)
        return {name: hints[name] for name in self.fields}

    @property
    def required(self) -> list[str]:
        """The fields of the target that must be given."""
        return [name for name, each in self.fields.items() if each.default is MISSING]
