"""The kinds of meetings: one `Adapter` for each, from this package or from any other installed one.

The folders in `ser_track.meetings.adapters` and the entry points `ser_track.meetings` name them; docs/extending.md
shows how to add one.
"""

import logging
import pkgutil
from collections.abc import Mapping
from dataclasses import Field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ser_track.errors import BadRequestError, ForbiddenError
from ser_track.meetings.adapter import Adapter

log = logging.getLogger(__name__)
ENTRY_POINTS: Final = "ser_track.meetings"
_SHIPPED: Final = "ser_track.meetings.adapters"
_PORTS: Final = {"ws": 80, "wss": 443, "http": 80, "https": 443}
_TRUE: Final = {"true": True, "1": True, "": True, "false": False, "0": False}


@cache
def adapters() -> dict[str, Adapter]:
    """All kinds, by name. A package that cannot be loaded is logged and skipped."""
    found = shipped()
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            adapter = entry.load()
            if not isinstance(adapter, Adapter):
                raise TypeError(f"{entry.value} is a {type(adapter).__name__}, not an Adapter")
        except Exception as error:  # a foreign package can raise anything while it is imported
            package = entry.dist.name if entry.dist is not None else entry.value
            log.error(
                "kind of meeting '%s' of %s cannot be loaded (%r): update or remove it", entry.name, package, error
            )
            continue
        if found.setdefault(adapter.kind, adapter) is not adapter:
            log.error("kind of meeting '%s' of %s is skipped: another kind has that name", adapter.kind, entry.value)
    return found


def shipped() -> dict[str, Adapter]:
    """The kinds that come with this package, by name."""
    package = import_module(_SHIPPED)  # by name: the code depends on none of them
    modules = pkgutil.iter_modules(package.__path__, f"{_SHIPPED}.")
    kinds: list[Adapter] = [import_module(module.name).ADAPTER for module in modules]
    return {adapter.kind: adapter for adapter in kinds}


def joinable() -> dict[str, Adapter]:
    """The kinds of meetings that the bot can be sent to."""
    return {kind: adapter for kind, adapter in adapters().items() if adapter.schemes}


def requested() -> dict[str, Adapter]:
    """The kinds of meetings that `POST /meetings` begins: those, and the ones that begin with an offer."""
    return {kind: adapter for kind, adapter in adapters().items() if adapter.requested}


def find_adapter(kind: str, kinds: Mapping[str, Adapter] | None = None) -> Adapter:
    """The adapter of a ``kind`` that the bot can be sent to, or that is one of ``kinds``.

    Raises:
        BadRequestError: it is not.
    """
    known = joinable() if kinds is None else kinds
    if (adapter := known.get(kind)) is None:
        raise BadRequestError(f"the kind of meeting ('server') must be one of {', '.join(known)}, not {kind[:40]!r}")
    return adapter


def read_url(url: str, options: Mapping[str, Any]) -> tuple[Adapter, Any]:
    """The adapter and target of ``url``, such as ``janus://host:port/path?room=1234``; ``options`` override its query.

    Raises:
        BadRequestError: no kind has this scheme, or a field is missing, unknown or impossible.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:  # such as an unclosed bracket
        raise BadRequestError(f"the URL '{url[:60]}' cannot be read ({error}); correct it") from error
    if parts.fragment:
        raise BadRequestError(f"the URL ends in '#{parts.fragment[:20]}', which has no meaning here; write # as %23")
    for adapter in joinable().values():
        if (scheme := adapter.schemes.get(parts.scheme)) is not None:
            given: dict[str, Any] = {"url": f"{scheme}://{parts.netloc}{parts.path}"}
            given |= dict(parse_qsl(parts.query, keep_blank_values=True))
            return adapter, read_target(adapter, given | dict(options))
    known = ", ".join(f"{scheme}://" for adapter in joinable().values() for scheme in adapter.schemes)
    raise BadRequestError(f"the URL must begin with one of {known}, not '{parts.scheme[:20]}:'")


def read_target(adapter: Adapter, given: Mapping[str, Any]) -> Any:
    """The target that ``given`` describes.

    Raises:
        BadRequestError: a field is missing, unknown or impossible. It names every problem, but no value of a secret.
    """
    known = adapter.fields
    problems = [f"'{name}' is missing" for name in adapter.required if given.get(name) is None]
    problems += [f"unknown field '{name[:40]}' (known: {', '.join(sorted(known))})" for name in given.keys() - known]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name in known and value is not None:
            try:
                values[name] = _checked(known[name], adapter.types[name], value)
            except ValueError as error:
                problems.append(f"'{name}' {error}")
    if problems:
        raise BadRequestError("; ".join(problems))
    return adapter.target(**values)


def _checked(field_: "Field[Any]", kind: type, value: Any) -> Any:
    if kind is bool:
        value = _TRUE.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    # Room ids may be numbers, and JSON has numbers.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and field_.repr else value
    if not isinstance(text, str):
        raise ValueError("must be a string")
    if not text:
        raise ValueError("must not be empty")
    if (check := field_.metadata.get("check")) is not None:
        check(text)
    return text


def check_allowed(url: str, allowed: tuple[str, ...]) -> None:
    """Return if ``url`` is one of the allowed servers, or is below one of them.

    Raises:
        ForbiddenError: it is not. A request must not make this server connect to other addresses.
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
    # "..", in any encoding, could lead elsewhere; no server needs it.
    return ".." not in asked.path and (asked.path == path or asked.path.startswith(f"{path}/"))
