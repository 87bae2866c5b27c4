"""``/ws`` between a page and the worker of its room: messages and close codes, both ways."""

import asyncio
import logging
from contextlib import suppress

from aiohttp import ClientError, ClientWebSocketResponse, ClientWSTimeout, WebSocketError, WSCloseCode, WSMsgType, web

from ser_track.errors import BadRequestError, MeetingError, NoWorkerError
from ser_track.front.keys import WORKERS
from ser_track.front.process import WorkerProcess
from ser_track.front.relay import headers_for_worker
from ser_track.meetings.messages import parse_object
from ser_track.web.fair import CLOSE_S
from ser_track.web.guard import check_invited
from ser_track.web.keys import CONFIG, SOCKETS

log = logging.getLogger(__name__)
HEARTBEAT_S = 15.0
JOIN_TIMEOUT_S = 10.0
SEND_S = 10.0
"""A page that takes nothing for so long is cut off. Little is held for it meanwhile: its worker is not read either."""
_SEE_S = 1.0
"""In which the end of a process is seen; much longer than it takes."""


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Serve one page: read its join message, then connect it with the worker of its room until either side ends."""
    limit = request.app[CONFIG].server.max_message_bytes
    page = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=limit, timeout=CLOSE_S)
    await page.prepare(request)
    request.app[SOCKETS].add(page)
    code: int = WSCloseCode.INTERNAL_ERROR
    try:
        code = await _stay(request, page)
    except ConnectionError:
        code = WSCloseCode.GOING_AWAY  # of the page, which reads no code any more
    except Exception:  # anything else would write an HTTP response into the WebSocket
        log.exception("the relay of a page's WebSocket failed")
    finally:
        request.app[SOCKETS].discard(page)
        await _close(request, page, code)
    return page


async def _stay(request: web.Request, page: web.WebSocketResponse) -> int:
    """From before the join until after the leave; returns what to close the page's socket with."""
    try:
        # As a worker does: only here, because a browser cannot read why a handshake was refused.
        check_invited(request)
        first = await _first_message(page)
        if first is None:
            return page.close_code or WSCloseCode.OK
        room = _room_of(first)
        if room is None:  # any worker can say what is wrong with it
            return await _relay(request, page, request.app[WORKERS].placement.worker_of(None), first)
        async with request.app[WORKERS].room(room) as worker:
            return await _relay(request, page, worker, first)
    except MeetingError as error:
        await page.send_json({"type": "error", "code": error.code, "message": str(error)})
        restarting = isinstance(error, NoWorkerError)
        return WSCloseCode.SERVICE_RESTART if restarting else WSCloseCode.POLICY_VIOLATION


async def _first_message(page: web.WebSocketResponse) -> str | None:
    """The text of it; ``None`` if the page went without one."""
    try:
        message = await page.receive(timeout=JOIN_TIMEOUT_S)
    except TimeoutError as error:
        raise _TooLateError(f"no join message came in {JOIN_TIMEOUT_S:.0f} s; send it first") from error
    if message.type is WSMsgType.BINARY:
        raise BadRequestError("the first message must be a join message in JSON")
    return message.data if message.type is WSMsgType.TEXT else None


class _TooLateError(MeetingError):
    code = "timeout"


def _room_of(first: str) -> str | None:
    """The room that the message asks to join; ``None`` where the message will be refused anyway."""
    try:
        body = parse_object(first)
    except BadRequestError:
        return None
    return room if body.get("type") == "join" and isinstance(room := body.get("room"), str) else None


async def _relay(request: web.Request, page: web.WebSocketResponse, worker: WorkerProcess, first: str) -> int:
    url = worker.url(request.path, request.rel_url.raw_query_string)
    try:
        # What a worker says is not limited: it is ours, and has limited what it passes on.
        inner = await worker.http.ws_connect(
            url, headers=headers_for_worker(request), max_msg_size=0, timeout=ClientWSTimeout(ws_close=CLOSE_S)
        )
    except ClientError as error:
        raise NoWorkerError from error
    async with inner:
        with suppress(ConnectionError):  # then the worker has gone, which `_bridge` sees too
            await inner.send_str(first)
        page_went, code = await _bridge(page, inner)
    return code or WSCloseCode.OK if page_went else await _after_worker(request, worker, code)


async def _after_worker(request: web.Request, worker: WorkerProcess, code: int | None) -> int:
    """What to close the page with, after its worker closed with ``code``, or ended or cut it off without one."""
    workers = request.app[WORKERS]
    if workers.stopping.is_set():
        return code or WSCloseCode.GOING_AWAY
    if code == WSCloseCode.GOING_AWAY:  # of that worker alone
        workers.dismiss(worker)
        return WSCloseCode.SERVICE_RESTART
    if code is None and await worker.ends_within(_SEE_S):
        return WSCloseCode.SERVICE_RESTART
    if code is None:  # the page does not read, and would not read a goodbye either
        _abort(request)
    return code or WSCloseCode.GOING_AWAY


async def _bridge(page: web.WebSocketResponse, inner: ClientWebSocketResponse) -> tuple[bool, int | None]:
    """Pass messages on until either side ends; returns whether it was the page, and the code it gave."""
    inward, outward = asyncio.create_task(_inward(page, inner)), asyncio.create_task(_outward(inner, page))
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


async def _inward(page: web.WebSocketResponse, inner: ClientWebSocketResponse) -> int | None:
    """What the page says; returns the code with which it went, ``None`` if it was the worker that went."""
    while (message := await page.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
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
        return message.data.code  # such as a message over the limit, which the room is told of as the reason
    return _sendable(page.close_code)


async def _outward(inner: ClientWebSocketResponse, page: web.WebSocketResponse) -> int | None:
    """What the worker says; returns the code with which it closed, ``None`` if none or if the page does not read."""
    while (message := await inner.receive()).type is WSMsgType.TEXT:
        try:
            async with asyncio.timeout(SEND_S):
                await page.send_str(message.data)
        except TimeoutError:
            return None
    return _sendable(message.data) if message.type is WSMsgType.CLOSE else None


def _sendable(code: int | None) -> int:
    """``code`` if it may stand in a close frame; the codes for 'none came' and 'cut off' may not."""
    if not code or code == 1005:
        return WSCloseCode.OK
    return WSCloseCode.GOING_AWAY if code == WSCloseCode.ABNORMAL_CLOSURE else code


async def _close(request: web.Request, page: web.WebSocketResponse, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await page.close(code=code)
    except TimeoutError:
        _abort(request)


def _abort(request: web.Request) -> None:
    # Closing politely would wait behind what the page does not read.
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
