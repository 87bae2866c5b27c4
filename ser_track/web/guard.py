"""Access control: token, origin, security headers, and every refusal as JSON."""

import logging
import re
import secrets
from urllib.parse import SplitResult, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.config.schema import Config, ServerConfig
from ser_track.config.urls import is_loopback
from ser_track.errors import ForbiddenError, MeetingError
from ser_track.web.keys import CONFIG, GUARDED_PATHS

log = logging.getLogger(__name__)
# /ws checks access itself, once it can report the reason.
_CLOSED_TO_STRANGERS = ("/offer", "/metrics")
# The notice is for people in a meeting, who have no token; its link cannot be guessed.
_OF_MEETINGS = re.compile(r"/meetings(/[^/]+(/events)?)?/?")
_HEADERS = {
    # Only scripts and styles of this server run; the page connects only to this server.
    "Content-Security-Policy": "default-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(self)",
}


class TokenMissingError(MeetingError):
    """The server has a token, and the request carries none."""

    status = 401
    code = "token_missing"


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into ``{"error": {"code", "message"}}`` with their status; add the headers that pages need."""
    try:
        response = await handler(request)
    except MeetingError as error:
        response = refusal(error.status, error.code, str(error))
    except web.HTTPRequestEntityTooLarge:
        limit = request.app[CONFIG].server.max_request_bytes
        response = refusal(413, "too_large", f"the request is over {limit} bytes; send less or raise max_request_bytes")
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = refusal(error.status, "http", error.reason)
        response.headers.update({name: value for name, value in error.headers.items() if name == "Allow"})
    except ConnectionError:
        # Not a failure of the server, and nobody is there to read this; aiohttp would log it as an error.
        response = refusal(400, "disconnected", "the connection ended before the request was complete")
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        response = refusal(500, "internal", "the server failed to handle this request; see its log for the cause")
    if not response.prepared:
        response.headers.update(_HEADERS | cors_headers(request))
    return response


@web.middleware
async def only_invited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse wrong tokens and foreign pages before anything else is checked."""
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

    A server that only this machine can reach must also be addressed by a name of this machine. Otherwise another site
    could point its own name here (DNS rebinding), and its page would count as ours. Behind a proxy that forwards the
    outside ``Host``, ``server.allowed_origins`` must contain that origin.

    Raises:
        ForbiddenError: a page of another site tries to use its visitor's access.
    """
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if origin is not None and _allowed(origin, server):
        return
    if origin is not None and _split(origin).netloc != host:
        raise ForbiddenError(
            f"pages from {origin} may not use this server; if they should, add it to server.allowed_origins"
        )
    if host and not _expected(host, server):
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
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Vary": "Origin",
    }


def refusal(status: int, code: str, message: str) -> web.Response:
    """A refusal for programs and people."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # RFC 9110, 15.5.2
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _pattern(request: web.Request) -> str | None:
    """The path pattern of the request's route: "/bridges/{name}"."""
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _allowed(origin: str, server: ServerConfig) -> bool:
    # It is returned in a header, which must be ASCII; real origins are.
    return origin.isascii() and (origin in server.allowed_origins or "*" in server.allowed_origins)


def _expected(host: str, server: ServerConfig) -> bool:
    if not is_loopback(server.host) or "*" in server.allowed_origins:
        return True
    allowed = {_split(origin).netloc for origin in server.allowed_origins}
    return is_loopback(_split(f"//{host}").hostname or "") or host in allowed


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # for example an unclosed bracket: treat it as no address
        return urlsplit("")


def _bytes(text: str) -> bytes:
    # Bytes in a header that are not UTF-8 arrive as lone surrogates. They never match, but must not raise.
    return text.encode("utf-8", "surrogatepass")
