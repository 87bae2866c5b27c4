"""``/meetings/{id}/events``: results for programs, as Server-Sent Events or over a WebSocket, with resumption.

First comes a snapshot, then each event with its number. A reader that comes back sends the last number it has, and gets
the events that it missed, or a new snapshot if they are no longer kept. `docs/asyncapi.json` has the messages.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import WSCloseCode, web

from ser_track.errors import BadRequestError, MeetingFullError
from ser_track.meetings.event_log import EventLog
from ser_track.web.guard import cors_headers
from ser_track.web.keys import READERS
from ser_track.web.outbox import CLOSE_S
from ser_track.web.routes.meetings import find

_HEARTBEAT_S: Final = 15.0
_SEND_S: Final = 20.0
"""A slow reader is disconnected after this time. It can come back for the events that it missed."""
_MAX_READERS: Final = 200
_SNAPSHOT: Final = "snapshot"


class Told(NamedTuple):
    """One message to a reader; ``text`` is JSON."""

    number: int
    type: str
    text: str


async def get_events(request: web.Request) -> web.StreamResponse:
    """Stream the events of a meeting until it is over or the reader has gone.

    Raises:
        NotFoundError: there is no such meeting.
        BadRequestError: the number of the last event is not valid.
        MeetingFullError: too many programs read events.
    """
    log, seen = find(request).channel.log, _last_seen(request)
    by_websocket = wants_websocket(request)
    if log.ended and seen == log.last and not by_websocket:
        return web.Response(status=204)  # the only answer after which browsers do not ask again
    readers = request.app[READERS]
    if len(readers) >= _MAX_READERS:
        raise MeetingFullError(f"{_MAX_READERS} programs read events here already; try again later")
    task = asyncio.current_task()
    assert task is not None
    readers.add(task)
    try:
        if by_websocket:
            return await _websocket(request, log, seen)
        return await _event_stream(request, log, seen)
    finally:
        readers.discard(task)


def wants_websocket(request: web.Request) -> bool:
    """Whether the client wants the events over a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def close_readers(app: web.Application) -> None:
    """Wait for the streams to end, after the meetings' last events; slow readers are not waited for."""
    readers = app[READERS]
    if readers:
        _, pending = await asyncio.wait(tuple(readers), timeout=CLOSE_S)
        for task in pending:
            task.cancel()


async def _event_stream(request: web.Request, log: EventLog, seen: int | None) -> web.StreamResponse:
    headers = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
        **cors_headers(request),
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)

    async def send(told: Told | None) -> None:
        text = ":\n\n" if told is None else f"id: {told.number}\nevent: {told.type}\ndata: {told.text}\n\n"
        await response.write(text.encode())

    await _tell(request, log, seen, send)
    return response


async def _websocket(request: web.Request, log: EventLog, seen: int | None) -> web.WebSocketResponse:
    # With a writer limit of 0, sending waits as soon as the connection is full, and `_SEND_S` starts there.
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=1024, timeout=CLOSE_S, writer_limit=0)
    await socket.prepare(request)

    async def send(told: Told | None) -> None:
        if told is not None:
            await socket.send_str(f'{{"id":{told.number},"type":"{told.type}","data":{told.text}}}')

    async def read() -> None:
        async for _ in socket:  # messages are ignored, but this notices that the socket closes
            pass

    telling, reading = asyncio.create_task(_tell(request, log, seen, send)), asyncio.create_task(read())
    try:
        await asyncio.wait([telling, reading], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (telling, reading):
            task.cancel()
        await asyncio.gather(telling, reading, return_exceptions=True)
        await socket.close(code=WSCloseCode.OK if log.ended else WSCloseCode.GOING_AWAY)
    return socket


async def _tell(
    request: web.Request, log: EventLog, seen: int | None, send: Callable[[Told | None], Awaitable[None]]
) -> None:
    try:
        async for told in _news(log, seen):
            async with asyncio.timeout(_SEND_S):
                await send(told)
    except TimeoutError:
        # The reader can come back. A proper close would wait behind data that it does not read.
        if isinstance(request.transport, asyncio.Transport):
            request.transport.abort()
    except ConnectionError:
        return  # gone


async def _news(log: EventLog, seen: int | None) -> AsyncIterator[Told | None]:
    """The messages for a reader that has ``seen`` so many events; ``None`` from time to time if there are none."""
    while True:
        entries = None if seen is None else log.after(seen)
        if entries is None:
            seen = log.last  # read it first: more events may come while this is being sent
            yield Told(seen, _SNAPSHOT, json.dumps(log.snapshot(), ensure_ascii=False, separators=(",", ":")))
            continue
        for entry in entries:
            yield Told(entry.number, entry.encoded.type, entry.encoded.text)
            seen = entry.number
        assert seen is not None
        if log.ended and log.last <= seen:
            return
        try:
            async with asyncio.timeout(_HEARTBEAT_S):
                await log.news(seen)
        except TimeoutError:
            yield None


def _last_seen(request: web.Request) -> int | None:
    given = request.headers.get("Last-Event-ID", request.query.get("last_event_id"))
    if given is None or given == "":
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 15:
        raise BadRequestError("Last-Event-ID must be the 'id' of an event of this meeting, a number; or leave it out")
    return int(given)
