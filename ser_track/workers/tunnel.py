"""A WebSocket between outside and a worker: messages and close codes, both ways."""

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
from ser_track.workers.routing import WORKERS

log = logging.getLogger(__name__)
HEARTBEAT_S = 15.0
SEND_S = 10.0
"""Who takes nothing for so long is cut off. Little is held for them meanwhile: their worker is not read either."""


def socket_for(request: web.Request) -> web.WebSocketResponse:
    """The outer end, not prepared yet."""
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
        code = WSCloseCode.GOING_AWAY  # of the other side, which reads no code any more
    except Exception:  # anything else would write an HTTP response into the WebSocket
        log.exception("the relay of a WebSocket failed")
    finally:
        request.app[SOCKETS].discard(outer)
        await _close(request, outer, code)
    return outer


async def tunnel(request: web.Request, worker: WorkerProcess) -> web.StreamResponse:
    """Connect a program with ``worker`` until either side ends, or answer why not, as the worker does.

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
        raise NoWorkerError from error
    async with inner:
        await outer.prepare(request)
        return await attend(request, outer, carry(request, outer, inner, worker))


async def connect(request: web.Request, worker: WorkerProcess) -> ClientWebSocketResponse:
    """The inner end. Raises ClientError."""
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    # What a worker says is not limited: it is ours, and has limited what it passes on.
    return await worker.http.ws_connect(url, headers=headers, max_msg_size=0, timeout=ClientWSTimeout(ws_close=CLOSE_S))


async def carry(
    request: web.Request, outer: web.WebSocketResponse, inner: ClientWebSocketResponse, worker: WorkerProcess
) -> int:
    """Pass messages on until either side ends; returns what to close the outer end with."""
    outer_went, code = await _bridge(outer, inner)
    return code or WSCloseCode.OK if outer_went else await _after_worker(request, worker, code)


async def _refusal(request: web.Request, worker: WorkerProcess) -> web.Response:
    # A client of WebSockets does not see what a refusal says. Without the upgrade it can be read.
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    try:
        async with worker.http.get(url, headers=headers) as answer:
            if answer.status >= 400:
                return await whole(answer)
    except ClientError as error:
        raise NoWorkerError from error
    raise NoWorkerError  # it would be let in now: it may come again


async def _after_worker(request: web.Request, worker: WorkerProcess, code: int | None) -> int:
    """What to close the outer end with, after the worker closed with ``code``, or ended or cut it off without one."""
    if request.app[WORKERS].stopping.is_set():
        return code or WSCloseCode.GOING_AWAY
    if code == WSCloseCode.GOING_AWAY:  # of that worker alone
        return WSCloseCode.SERVICE_RESTART
    if code is None and await worker.ends_within(SEE_S):
        return WSCloseCode.SERVICE_RESTART
    if code is None:  # the other side does not read, and would not read a goodbye either
        abort(request)
    return code or WSCloseCode.GOING_AWAY


async def _bridge(outer: web.WebSocketResponse, inner: ClientWebSocketResponse) -> tuple[bool, int | None]:
    """Pass messages on until either side ends; returns whether it was the outer one, and the code it gave."""
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
    """What the other side says; returns the code with which it went, ``None`` if it was the worker that went."""
    while (message := await outer.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
        try:
            if message.type is WSMsgType.TEXT:
                await inner.send_str(message.data)
            else:
                await inner.send_bytes(message.data)
        except ConnectionError:
            return None
        # Messages that came together are sent on together: others must get their turn meanwhile.
        await asyncio.sleep(0)
    if message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
        return message.data.code  # such as a message over the limit, of which others may be told as the reason
    return _sendable(outer.close_code)


async def _outward(inner: ClientWebSocketResponse, outer: web.WebSocketResponse) -> int | None:
    """What the worker says; returns the code with which it closed, ``None`` if none or if nobody reads outside."""
    while (message := await inner.receive()).type is WSMsgType.TEXT:
        try:
            async with asyncio.timeout(SEND_S):
                await outer.send_str(message.data)
        except TimeoutError:
            return None
    return _sendable(message.data) if message.type is WSMsgType.CLOSE else None


def _sendable(code: int | None) -> int:
    """``code`` if it may stand in a close frame; the codes for 'none came' and 'cut off' may not."""
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
    # Closing politely would wait behind what the other side does not read.
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
