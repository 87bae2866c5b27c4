"""`Adapter`: the description of one kind of meeting. docs/extending.md shows a complete one."""

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
        TypeError: a field of the target, or a name, does not match the descriptions below.
    """

    kind: str
    """Its name: lower-case letters, digits and ``-``."""
    summary: str
    """A noun phrase for `ser-track join --help`: "a room of …"."""
    target: type[Any]
    """A frozen dataclass that identifies one meeting, with a property ``where``: a description for people, without
    secrets. Its fields are options of ``ser-track join`` and ``POST /meetings``: ``str``, ``bool`` or ``str | None``.
    ``repr=False`` marks a secret. ``metadata`` may have a ``description`` for people; a ``check``, a function that
    raises ValueError with the end of a sentence that starts with the field's name; and a ``schema``, additional JSON
    Schema of the field. If the bot can be sent to this kind, ``url`` is one of the fields."""
    make: Callable[[Any, Host, Services], Meeting]
    """Creates the meeting that a target identifies, not joined yet. The meeting reports to the host who is there."""
    capabilities: Capabilities
    schemes: Mapping[str, str] = field(default_factory=dict)
    """Schemes of URLs for such meetings, each with the scheme that the server itself uses: ``{"janus": "ws"}``.
    Empty if the bot cannot be sent there because people or bridges connect to it."""
    routes: str | None = None
    """A module with ``ROUTES`` of aiohttp, if the kind needs its own paths; only the web server imports it.
    The paths need the same access as ``/meetings``; with ``GUARDED = False`` their handlers check access themselves.
    Its function ``target_of(request)`` finds the meeting of a request, so that the right one of several processes gets
    it. ``OPENAPI`` and ``ASYNCAPI``, if any, are added to the service's documents: objects with ``paths`` or
    ``channels``, ``components`` and ``tags``."""
    answer: Callable[[Any], str] | None = None
    """For kinds that begin with a WebRTC offer in ``POST /meetings``, and not with an address: our answer to it, of the
    meeting that `make` made, once it is connected. It becomes ``sdp`` in the answer to the request."""
    limit: str = "meetings.max_meetings"
    """The configuration key that limits the number of meetings; kinds with the same key share the limit."""
    people_limit: str = "meetings.max_participants"
    """The configuration key that limits the number of people in one of them."""

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise TypeError(f"kind must be lower-case letters, digits and '-', not {self.kind!r}")
        if wrong := [scheme for scheme in self.schemes if not _SCHEME.fullmatch(scheme)]:
            raise TypeError(f"schemes must be lower case, as in URLs, not {', '.join(wrong)}")
        if not is_dataclass(self.target) or not hasattr(self.target, "where"):
            raise TypeError(f"target {self.target.__name__} must be a dataclass with a property 'where'")
        for name, kind in self.types.items():
            if kind not in _TYPES:
                raise TypeError(f"'{name}' of {self.target.__name__} must be str, bool or str | None, not {kind}")
            if name in _OF_REQUESTS:
                raise TypeError(f"'{name}' of {self.target.__name__} needs another name: every request has this field")
        if self.schemes and "url" not in self.fields:
            raise TypeError(f"{self.target.__name__} needs a field 'url': the address that its schemes stand for")

    @property
    def requested(self) -> bool:
        """Whether `POST /meetings` begins such meetings."""
        return bool(self.schemes) or self.answer is not None

    @property
    def fields(self) -> dict[str, "Field[Any]"]:
        """The fields of the target, by name."""
        return {each.name: each for each in fields(self.target)}

    @property
    def types(self) -> dict[str, type]:
        """The type of each field, also if annotations are strings."""
        hints = get_type_hints(self.target)
        return {name: hints[name] for name in self.fields}

    @property
    def required(self) -> list[str]:
        """The fields of the target that must be given."""
        return [name for name, each in self.fields.items() if each.default is MISSING]
