"""Every refusal and every failure as JSON, and the headers that all answers have."""

import errno
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from ser_track.errors import MeetingError
from ser_track.shortages import shortage_behind
from ser_track.web.guard import cors_headers
from ser_track.web.keys import CONFIG

log = logging.getLogger(__name__)
_ENDING = (408, 503)
"""After these the connection is closed: it holds a descriptor, or a body that does not end."""
_HEADERS = {
    # Only scripts and styles of this server run; the page connects only to this server.
    "Content-Security-Policy": "default-src 'self'; connect-src 'self'; media-src 'self' blob:; "
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
        response.headers.update({name: value for name, value in error.headers.items() if name == "Allow"})
    except ConnectionError:
        # Not a failure of the server, and nobody is there to read this; aiohttp would log it as an error.
        response = refusal(400, "disconnected", "the connection ended before the request was complete")
    except Exception as error:
        response = _failed(request, error)
    return _completed(request, response)


def refusal(status: int, code: str, message: str) -> web.Response:
    """A refusal for programs and people."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # RFC 9110, 15.5.2
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _completed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if response.status in _ENDING:
        response.force_close()
    if not response.prepared:
        response.headers.update(_HEADERS | cors_headers(request))
    return response


def _failed(request: web.Request, error: Exception) -> web.Response:
    """The answer where something failed that is not the client's fault; the cause is logged."""
    if (shortage := shortage_behind(error)) is not None:
        log.error("%s %s: %s", request.method, request.path, shortage)
        return refusal(shortage.status, shortage.code, str(shortage))
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # no file can have the name in the path
        return refusal(404, "http", "Not Found")
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return refusal(500, "internal", "the server failed to handle this request; see its log for the cause")
