"""Connects a WebSocket from outside with one to a worker: messages and close codes, in both directions."""

import asyncio
import logging
from collections.abc import Awaitable

from aiohttp import (
    ClientError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WebSocketError,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    web,
)

from ser_track.errors import NoWorkerError
from ser_track.web.keys import CONFIG, SOCKETS
from ser_track.web.outbox import CLOSE_S
from ser_track.workers.process import WorkerProcess
from ser_track.workers.proxy import SEE_S, headers_for_worker, url_at_worker, whole
from ser_track.workers.routing import WORKERS, unavailable

log = logging.getLogger(__name__)
HEARTBEAT_S = 15.0
SEND_S = 10.0
"""A slow reader is disconnected after this time. Little is buffered meanwhile: reading from the worker stops too."""


def socket_for(request: web.Request) -> web.WebSocketResponse:
    """The outer socket, not prepared yet."""
    limit = request.app[CONFIG].server.max_message_bytes
    return web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=limit, timeout=CLOSE_S)


async def attend(
    request: web.Request, outer: web.WebSocketResponse, stay: Awaitable[WSCloseCode | int]
) -> web.WebSocketResponse:
    """Let ``stay`` serve ``outer``, which is prepared; then close it with the code that ``stay`` returns."""
    request.app[SOCKETS].add(outer)
    code: int = WSCloseCode.INTERNAL_ERROR
    try:
        code = await stay
    except ConnectionError:
        code = WSCloseCode.GOING_AWAY  # the other side went away, and reads no code any longer
    except Exception:  # anything else would write an HTTP response into the WebSocket
        log.exception("the relay of a WebSocket failed")
    finally:
        request.app[SOCKETS].discard(outer)
        await _close(request, outer, code)
    return outer


async def tunnel(request: web.Request, worker: WorkerProcess) -> web.StreamResponse:
    """Connect a program with ``worker`` until either side ends, or return the worker's refusal.

    Raises:
        NoWorkerError: the worker has ended.
    """
    outer = socket_for(request)
    if not outer.can_prepare(request):
        raise web.HTTPBadRequest
    try:
        inner = await connect(request, worker)
    except WSServerHandshakeError:
        return await _refusal(request, worker)
    except ClientError as error:
        raise unavailable(error) from error
    async with inner:
        await outer.prepare(request)
        return await attend(request, outer, carry(request, outer, inner, worker))


async def connect(request: web.Request, worker: WorkerProcess) -> ClientWebSocketResponse:
    """Open the inner socket. Raises ClientError."""
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    # Messages of a worker are not limited: it is trusted, and has limited what it forwards.
    return await worker.http.ws_connect(url, headers=headers, max_msg_size=0, timeout=ClientWSTimeout(ws_close=CLOSE_S))


async def carry(
    request: web.Request, outer: web.WebSocketResponse, inner: ClientWebSocketResponse, worker: WorkerProcess
) -> int:
    """Forward messages until either side ends; returns the close code for the outer socket."""
    outer_went, code = await _bridge(outer, inner)
    return code or WSCloseCode.OK if outer_went else await _after_worker(request, worker, code)


async def _refusal(request: web.Request, worker: WorkerProcess) -> web.Response:
    # A WebSocket client cannot read the body of a refusal. A request without the upgrade can.
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    try:
        async with worker.http.get(url, headers=headers) as answer:
            if answer.status >= 400:
                return await whole(answer)
    except ClientError as error:
        raise unavailable(error) from error
    raise NoWorkerError  # the worker would accept it now: the client may try again


async def _after_worker(request: web.Request, worker: WorkerProcess, code: int | None) -> int:
    """The close code for the outer socket, after the worker closed with ``code``, or without one if it is ``None``."""
    if request.app[WORKERS].stopping.is_set():
        return code or WSCloseCode.GOING_AWAY
    if code == WSCloseCode.GOING_AWAY:  # only that worker is going away
        return WSCloseCode.SERVICE_RESTART
    if code is None and await worker.ends_within(SEE_S):
        return WSCloseCode.SERVICE_RESTART
    if code is None:  # the other side does not read, and would not read a goodbye either
        abort(request)
    return code or WSCloseCode.GOING_AWAY


async def _bridge(outer: web.WebSocketResponse, inner: ClientWebSocketResponse) -> tuple[bool, int | None]:
    """Forward messages until either side ends; returns whether the outer side did, and its close code."""
    inward, outward = asyncio.create_task(_inward(outer, inner)), asyncio.create_task(_outward(inner, outer))
    try:
        await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
        if inward.done() and (code := inward.result()) is not None:
            await inner.close(code=code)
            return True, code
        return False, await outward
    finally:
        inward.cancel()
        outward.cancel()
        await asyncio.gather(inward, outward, return_exceptions=True)


async def _inward(outer: web.WebSocketResponse, inner: ClientWebSocketResponse) -> int | None:
    """Forward messages of the outer side; returns its close code, or ``None`` if the worker ended first."""
    while (message := await outer.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
        try:
            if message.type is WSMsgType.TEXT:
                await inner.send_str(message.data)
            else:
                await inner.send_bytes(message.data)
        except ConnectionError:
            return None
        # Messages that arrive together would be forwarded together: let other tasks run in between.
        await asyncio.sleep(0)
    if message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
        return message.data.code  # for example, a message was over the limit, which may be reported to others
    return _sendable(outer.close_code)


async def _outward(inner: ClientWebSocketResponse, outer: web.WebSocketResponse) -> int | None:
    """Forward messages of the worker; returns its close code, or ``None`` if it has none or nobody reads outside."""
    while (message := await inner.receive()).type is WSMsgType.TEXT:
        try:
            async with asyncio.timeout(SEND_S):
                await outer.send_str(message.data)
        except TimeoutError:
            return None
    return _sendable(message.data) if message.type is WSMsgType.CLOSE else None


def _sendable(code: int | None) -> int:
    """``code`` if a close frame may contain it; the codes for "no code" and "connection lost" may not be sent."""
    if not code or code == 1005:
        return WSCloseCode.OK
    return WSCloseCode.GOING_AWAY if code == WSCloseCode.ABNORMAL_CLOSURE else code


async def _close(request: web.Request, outer: web.WebSocketResponse, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await outer.close(code=code)
    except TimeoutError:
        abort(request)


def abort(request: web.Request) -> None:
    """End the connection at once."""
    # A proper close would wait behind data that the other side does not read.
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
