"""Access control: the names of this server, token, origin."""

import re
import secrets
from urllib.parse import SplitResult, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.config.schema import Config, ServerConfig
from ser_track.config.urls import is_loopback
from ser_track.errors import ForbiddenError, MeetingError
from ser_track.web.keys import CONFIG, GUARDED_PATHS

# /ws checks access itself, once it can report the reason.
_CLOSED_TO_STRANGERS = ("/offer", "/metrics")
# The notice is for people in a meeting, who have no token; its link cannot be guessed.
_OF_MEETINGS = re.compile(r"/meetings(/[^/]+(/events)?)?/?")


class TokenMissingError(MeetingError):
    """The server has a token, and the request carries none."""

    status = 401
    code = "token_missing"


@web.middleware
async def only_invited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign names of this server, wrong tokens and foreign pages before anything else is checked."""
    if request.path != "/ws":  # it checks this itself too, with the token
        check_host(request)
    of_meetings = _OF_MEETINGS.fullmatch(request.path) is not None or _pattern(request) in request.app[GUARDED_PATHS]
    if of_meetings:
        check_not_open_to_all(request.app[CONFIG])
    if of_meetings or request.path in _CLOSED_TO_STRANGERS:
        check_invited(request)
    return await handler(request)


def check_invited(request: web.Request) -> None:
    """Return if the request has the token, and does not come from a foreign page.

    Raises:
        TokenMissingError: it has no token.
        ForbiddenError: the token is wrong, or the page has a foreign origin.
    """
    server = request.app[CONFIG].server
    check_origin(request, server)
    if request.method != "OPTIONS":
        check_token(request, server)


def check_not_open_to_all(config: Config) -> None:
    """Return if only this machine can reach the server, or it has a token.

    Raises:
        ForbiddenError: anyone could send the bot to meetings, or read their events.
    """
    server, public = config.server, _split(config.meetings.public_url or "").hostname
    if server.token is None and not is_loopback(server.host):
        raise ForbiddenError(f"this server listens on {server.host} without server.token; set a token to use /meetings")
    if server.token is None and public is not None and not is_loopback(public):
        raise ForbiddenError("meetings.public_url makes this server public; set server.token to use /meetings")


def check_token(request: web.Request, server: ServerConfig) -> None:
    """Return if no token is configured, or the request has it as ``Authorization: Bearer`` or ``?token=``.

    Raises:
        TokenMissingError: the request has no token.
        ForbiddenError: the token is wrong.
    """
    if server.token is None:
        return
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = bearer or request.query.get("token", "")
    if not given:
        raise TokenMissingError("this server needs an access token; use the link with ?token=… from its owner")
    if not secrets.compare_digest(_bytes(given), _bytes(server.token)):
        raise ForbiddenError("the access token is wrong; use the link with ?token=… from its owner")


def check_origin(request: web.Request, server: ServerConfig) -> None:
    """Return if the request comes from our own page, from no page at all, or from an allowed origin.

    Raises:
        ForbiddenError: a page of another site tries to use its visitor's access, or see `check_host`.
    """
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if origin is not None and _allowed(origin, server):
        return
    if origin is not None and _split(origin).netloc != host:
        raise ForbiddenError(
            f"pages from {origin} may not use this server; if they should, add it to server.allowed_origins"
        )
    check_host(request)


def check_host(request: web.Request) -> None:
    """Return if the request addresses this server by a name of its own, or comes from an allowed origin.

    A server that only this machine can reach must be addressed by a name of this machine. Otherwise another site could
    point its own name here (DNS rebinding), and its page would count as ours. Behind a proxy that forwards the outside
    ``Host``, ``meetings.public_url`` or ``server.allowed_origins`` must contain it.

    Raises:
        ForbiddenError: it does not.
    """
    config, origin = request.app[CONFIG], request.headers.get("Origin")
    if origin is not None and _allowed(origin, config.server):
        return
    host = request.headers.get("Host", "")
    if host and not _expected(host, config):
        raise ForbiddenError(
            f"this server is only for its own machine and was addressed as '{host}'; open it as localhost, "
            "or add its public origin to server.allowed_origins"
        )


def cors_headers(request: web.Request) -> dict[str, str]:
    """The headers that let pages of an allowed origin read our answers."""
    origin = request.headers.get("Origin")
    if origin is None or not _allowed(origin, request.app[CONFIG].server):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, Last-Event-ID",
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Expose-Headers": "Accept-Patch, Accept-Post, ETag, Link, Location",
        "Vary": "Origin",
    }


def _pattern(request: web.Request) -> str | None:
    """The path pattern of the request's route: "/bridges/{name}"."""
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _allowed(origin: str, server: ServerConfig) -> bool:
    # It is returned in a header, which must be ASCII; real origins are.
    return origin.isascii() and (origin in server.allowed_origins or "*" in server.allowed_origins)


def _expected(host: str, config: Config) -> bool:
    server = config.server
    if not is_loopback(server.host) or "*" in server.allowed_origins:
        return True
    allowed = {_split(url).netloc for url in (*server.allowed_origins, config.meetings.public_url or "")}
    return is_loopback(_split(f"//{host}").hostname or "") or host in allowed


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # for example an unclosed bracket: treat it as no address
        return urlsplit("")


def _bytes(text: str) -> bytes:
    # Bytes in a header that are not UTF-8 arrive as lone surrogates. They never match, but must not raise.
    return text.encode("utf-8", "surrogatepass")
