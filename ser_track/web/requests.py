"""Reads and checks the contents of requests."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from ser_track.config.schema import Config, ServerConfig
from ser_track.config.urls import is_loopback, public_url
from ser_track.errors import BadRequestError
from ser_track.meetings.json_messages import parse_object

FORWARDED_FOR: Final = "X-Forwarded-For"
_MAX_ADDRESS: Final = 64


async def preflight(request: web.Request) -> web.Response:
    """Answer the preflight requests of pages of allowed origins."""
    return web.Response(status=204)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        BadRequestError: the body is not a JSON object.
    """
    try:
        body = await request.text()
    except (UnicodeError, LookupError, web.RequestPayloadError) as error:
        raise BadRequestError(f"the body cannot be decoded as text ({error}); send JSON in UTF-8") from error
    return parse_object(body)


def text(body: dict[str, Any], key: str) -> str:
    """The string at ``key``.

    Raises:
        BadRequestError: it is missing or not a string.
    """
    if not isinstance(value := body.get(key), str):
        raise BadRequestError(f"'{key}' must be a string, and is {'missing' if value is None else repr(value)[:40]}")
    return value


def flag(body: dict[str, Any], key: str) -> bool:
    """The boolean at ``key``. It has no default, because it is a person's answer to a question.

    Raises:
        BadRequestError: it is missing or not a boolean.
    """
    if not isinstance(value := body.get(key), bool):
        raise BadRequestError(f"'{key}' must be true or false: say whether the person agreed to emotion analysis")
    return value


def peer_address(request: web.Request, server: ServerConfig) -> str:
    """The network that ``request`` comes from: an IPv4 address, or the first 64 bits of an IPv6 address.

    One household or attacker has 2^64 addresses of IPv6. The header `FORWARDED_FOR` counts only if it comes from one of
    ``server.trusted_proxies``, or, over a Unix socket, from the front of several processes.
    """
    address = request.remote or ""
    named = [each.strip() for each in request.headers.get(FORWARDED_FOR, "").split(",") if each.strip()]
    while named and (not address or _is_in(address, server.trusted_proxies)):
        address = named.pop()
    try:
        given = ip_address(address)
    except ValueError:
        return address[:_MAX_ADDRESS]
    mapped = given.ipv4_mapped if isinstance(given, IPv6Address) else None
    return (
        str(ip_network((given, 64), strict=False))
        if isinstance(given, IPv6Address) and not mapped
        else str(mapped or given)
    )


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    try:
        return any(ip_address(address) in ip_network(network) for network in networks)
    except ValueError:
        return False


def base_url(request: web.Request, config: Config) -> str:
    """Where people reach this server: the configured address, or the one that this request used.

    Raises:
        BadRequestError: the request's Host cannot be part of a link.
    """
    if (configured := config.meetings.public_url) is not None:
        return configured
    # With several processes, only the front has the encrypted connection.
    scheme = request.scheme if config.server.tls_certificate is None else "https"
    try:
        return public_url(f"{scheme}://{request.host}")
    except ValueError as error:
        raise BadRequestError("the request's Host cannot be used in a link; send the request to host[:port]") from error


def link_base(request: web.Request, config: Config) -> str | None:
    """Where people in a room reach its notice, or ``None``: they can answer on the page itself.

    It is sent to everyone in the room, so the first person there must not choose it: it is the configured address, or
    this machine's own.
    """
    try:
        if config.meetings.public_url is None and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return None
        return base_url(request, config)
    except (BadRequestError, ValueError):  # ValueError: such as an unclosed bracket
        return None
