"""Reads and checks the contents of requests."""

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ser_track.config.schema import Config
from ser_track.config.urls import is_loopback, public_url
from ser_track.errors import BadRequestError
from ser_track.meetings.json_messages import parse_object


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
