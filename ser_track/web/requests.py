"""Reads and checks the contents of requests."""

import asyncio
import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from ser_track.config.schema import Config, ServerConfig
from ser_track.config.urls import is_loopback, public_url
from ser_track.errors import BadRequestError, MeetingError
from ser_track.meetings.json_messages import parse_object

FORWARDED_FOR: Final = "X-Forwarded-For"
_MAX_ADDRESS: Final = 64
_BODY_S: Final = 20.0
"""For the whole body; the largest that pages and programs send are offers, of a few kilobytes."""

_JSON_TYPE: Final = re.compile(
    r"application/([\w.-]+\+)?json"
    r"(\s*;\s*(charset=(utf-8|\"utf-8\"|utf8)|(?!charset)[\w.-]+=([\w.-]+|\"[^\"\\]*\")))*\s*;?",
    re.ASCII | re.IGNORECASE,
)


class UnsupportedMediaError(MeetingError):
    """The body is not JSON in UTF-8."""

    status = 415
    code = "unsupported_media_type"


class TooSlowError(MeetingError):
    """The body does not arrive; the connection is closed."""

    status = 408
    code = "timeout"


async def preflight(request: web.Request) -> web.Response:
    """Answer the preflight requests of pages of allowed origins."""
    return web.Response(status=204)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        UnsupportedMediaError: it says that it is something else than JSON in UTF-8; the body is not read then.
        BadRequestError: it is not a JSON object.
        TooSlowError: it takes too long to arrive.
    """
    _check_json(request)
    return parse_object(await read_text(request, "JSON"))


async def read_text(request: web.Request, kind: str) -> str:
    """The body as text; ``kind`` names what it should be, for people.

    Raises:
        BadRequestError: it is not UTF-8.
        TooSlowError: it takes too long to arrive.
    """
    try:
        return (await read_body(request)).decode()
    except UnicodeError as error:
        raise BadRequestError(f"the body cannot be decoded as text ({error}); send {kind} in UTF-8") from error


async def read_body(request: web.Request) -> bytes:
    """The body, in bounded time.

    Raises:
        BadRequestError: it is not valid HTTP.
        TooSlowError: it takes too long to arrive.
    """
    try:
        async with asyncio.timeout(_BODY_S):
            return await request.read()
    except TimeoutError as error:
        raise TooSlowError(f"the body did not arrive within {_BODY_S:.0f} s; send the request again") from error
    except web.RequestPayloadError as error:
        raise BadRequestError(f"the body cannot be read ({error}); send it as its headers say") from error


def _check_json(request: web.Request) -> None:
    """Return if the headers promise JSON in UTF-8, uncompressed. No codec is ever looked up by a name from outside."""
    if (coding := request.headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise UnsupportedMediaError(f"the body is encoded as {coding[:40]!r}; send it without Content-Encoding")
    if (given := request.headers.get("Content-Type")) is None:
        return
    if _JSON_TYPE.fullmatch(given.strip()) is None:
        raise UnsupportedMediaError(f"the body is {given[:60]!r}; send JSON in UTF-8, as 'application/json'")


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
