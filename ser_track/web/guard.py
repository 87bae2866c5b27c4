"""Who may ask: token, origin, security headers, and every refusal as JSON."""

import logging
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.config import ServerConfig
from ser_track.errors import ForbiddenError, MeetingError
from ser_track.web.keys import CONFIG

log = logging.getLogger(__name__)
_CLOSED_TO_STRANGERS = ("/ws", "/offer", "/metrics")
_HEADERS = {
    # Only our own scripts and styles run; the page talks only to us.
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(self)",
}


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
    if not response.prepared:
        response.headers.update(_HEADERS | cors_headers(request))
    return response


@web.middleware
async def only_invited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse wrong tokens and foreign pages before anything else is looked at."""
    if request.path in _CLOSED_TO_STRANGERS:
        server = request.app[CONFIG].server
        check_origin(request, server)
        if request.method != "OPTIONS":
            check_token(request, server)
    return await handler(request)


def check_token(request: web.Request, server: ServerConfig) -> None:
    """Pass if no token is configured, or the request carries it as ``Authorization: Bearer`` or ``?token=``.

    Raises:
        ForbiddenError: the token is wrong or missing.
    """
    if server.token is None:
        return
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = bearer or request.query.get("token", "")
    if not secrets.compare_digest(given.encode(), server.token.encode()):
        raise ForbiddenError("the access token is missing or wrong; open the page with ?token=…, as its owner told you")


def check_origin(request: web.Request, server: ServerConfig) -> None:
    """Pass if the request comes from our own page, from no page at all, or from an allowed origin.

    Raises:
        ForbiddenError: another site's page tries to use its visitor's access.
    """
    origin = request.headers.get("Origin")
    if origin is None or urlsplit(origin).netloc == request.host or _allowed(origin, server):
        return
    raise ForbiddenError(
        f"pages from {origin} may not use this server; if they should, add it to server.allowed_origins"
    )


def cors_headers(request: web.Request) -> dict[str, str]:
    """The headers that let a page of an allowed origin read our answers."""
    origin = request.headers.get("Origin")
    if origin is None or not _allowed(origin, request.app[CONFIG].server):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Allow-Methods": "GET, POST",
        "Vary": "Origin",
    }


def refusal(status: int, code: str, message: str) -> web.Response:
    """A refusal as programs and people can read it."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _allowed(origin: str, server: ServerConfig) -> bool:
    return origin in server.allowed_origins or "*" in server.allowed_origins
