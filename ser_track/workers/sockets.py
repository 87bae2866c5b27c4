"""``/ws`` between a page and the worker of its room."""

from contextlib import suppress

from aiohttp import ClientError, WSCloseCode, WSMsgType, web

from ser_track.errors import BadRequestError, MeetingError, NoWorkerError, OverloadedError
from ser_track.meetings.json_messages import parse_object
from ser_track.web.guard import check_invited
from ser_track.workers.process import WorkerProcess
from ser_track.workers.routing import WORKERS, holding, unavailable
from ser_track.workers.tunnel import attend, carry, connect, socket_for

JOIN_TIMEOUT_S = 10.0


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Serve one page: read its join message, then connect it with the worker of its room until either side ends."""
    page = socket_for(request)
    await page.prepare(request)
    return await attend(request, page, _stay(request, page))


async def _stay(request: web.Request, page: web.WebSocketResponse) -> int:
    """Run from before the join until after the leave; returns the close code of the page's socket."""
    try:
        # As in a worker: checked only here, because a browser cannot read why a handshake was refused.
        check_invited(request)
        first = await _first_message(page)
        if first is None:
            return page.close_code or WSCloseCode.OK
        room, workers = _room_of(first), request.app[WORKERS]
        if room is None:  # any worker can report what is wrong with it
            return await _relay(request, page, workers.placement.rooms.worker_of(None), first)
        async with holding(workers, workers.placement.rooms, room) as worker:
            return await _relay(request, page, worker, first)
    except MeetingError as error:
        await page.send_json({"type": "error", "code": error.code, "message": str(error)})
        restarting = isinstance(error, (NoWorkerError, OverloadedError))  # a page tries again by itself
        return WSCloseCode.SERVICE_RESTART if restarting else WSCloseCode.POLICY_VIOLATION


async def _first_message(page: web.WebSocketResponse) -> str | None:
    """The text of the first message; ``None`` if the page left without one."""
    try:
        message = await page.receive(timeout=JOIN_TIMEOUT_S)
    except TimeoutError as error:
        raise _TooLateError(f"no join message arrived within {JOIN_TIMEOUT_S:.0f} s; send it first") from error
    if message.type is WSMsgType.BINARY:
        raise BadRequestError("the first message must be a join message in JSON")
    return message.data if message.type is WSMsgType.TEXT else None


class _TooLateError(MeetingError):
    code = "timeout"


def _room_of(first: str) -> str | None:
    """The room in the join message; ``None`` if the message will be refused anyway."""
    try:
        body = parse_object(first)
    except BadRequestError:
        return None
    return room if body.get("type") == "join" and isinstance(room := body.get("room"), str) else None


async def _relay(request: web.Request, page: web.WebSocketResponse, worker: WorkerProcess, first: str) -> int:
    try:
        inner = await connect(request, worker)
    except ClientError as error:
        raise unavailable(error) from error
    async with inner:
        with suppress(ConnectionError):  # the worker has ended, which is noticed below too
            await inner.send_str(first)
        return await carry(request, page, inner, worker)
