"""Reading what a request carries."""

from typing import Any

from aiohttp import web

from ser_track.config.schema import Config
from ser_track.config.urls import public_url
from ser_track.errors import BadRequestError
from ser_track.meetings.json_messages import parse_object


async def preflight(request: web.Request) -> web.Response:
    """Let pages of allowed origins ask before they post."""
    return web.Response(status=204)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        BadRequestError: it is none.
    """
    try:
        body = await request.text()
    except (UnicodeError, LookupError, web.RequestPayloadError) as error:
        raise BadRequestError(f"the body cannot be read as text ({error}); send JSON in UTF-8") from error
    return parse_object(body)


def text(body: dict[str, Any], key: str) -> str:
    """The string at ``key``.

    Raises:
        BadRequestError: it is missing or no string.
    """
    if not isinstance(value := body.get(key), str):
        raise BadRequestError(f"'{key}' must be a string, and is {'missing' if value is None else repr(value)[:40]}")
    return value


def flag(body: dict[str, Any], key: str) -> bool:
    """The boolean at ``key``; never assumed, because it is somebody's answer to a question.

    Raises:
        BadRequestError: it is missing or no boolean.
    """
    if not isinstance(value := body.get(key), bool):
        raise BadRequestError(f"'{key}' must be true or false: say whether the person agreed to emotion analysis")
    return value


def base_url(request: web.Request, config: Config) -> str:
    """Where people reach this server: as the configuration says, else as whoever asks does.

    Raises:
        BadRequestError: nobody reaches anything by the name that it was asked for.
    """
    if (configured := config.meetings.public_url) is not None:
        return configured
    # Of several processes, the front alone has the encrypted connection.
    scheme = request.scheme if config.server.tls_certificate is None else "https"
    try:
        return public_url(f"{scheme}://{request.host}")
    except ValueError as error:
        raise BadRequestError("the request's Host is no address to link to; ask by host[:port]") from error


def link_base(request: web.Request, config: Config) -> str | None:
    """The same, or ``None``: people who come by such a name still meet, and answer on the page itself."""
    try:
        return base_url(request, config)
    except BadRequestError:
        return None
