"""Long-lived connections between programs and the worker of a meeting: its events, and the audio of bridges."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError, ClientResponse, web
from aiohttp.typedefs import Handler

from ser_track.errors import NoWorkerError
from ser_track.web.routes.events import wants_websocket
from ser_track.workers.process import WorkerProcess
from ser_track.workers.proxy import answered, headers_for_client, headers_for_worker, url_at_worker, while_alive, whole
from ser_track.workers.routing import WORKERS, holding, unavailable, worker_with
from ser_track.workers.tunnel import SEND_S, abort, tunnel


async def events(request: web.Request) -> web.StreamResponse:
    """Forward the events of a meeting as they arrive.

    Raises:
        NotFoundError: there is no such meeting.
        NoWorkerError: its worker has just ended.
    """
    worker = await worker_with(request.app[WORKERS], request.match_info["meeting"])
    if wants_websocket(request):
        return await tunnel(request, worker)
    return await _event_stream(request, worker)


def passing_on(target_of: Callable[[web.Request], Any]) -> Handler:
    """A handler that forwards a request to the worker that has, or gets, the meeting that ``target_of`` finds.

    A WebSocket is connected to that worker. All bridges of one meeting reach the same worker. The handler raises
    MeetingError: the request names no meeting, the limit of meetings is reached, or no worker is available.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        where, workers = target_of(request).where, request.app[WORKERS]
        async with holding(workers, workers.placement.meetings, where) as worker:
            return await (tunnel if wants_websocket(request) else answered)(request, worker)

    return handle


async def _event_stream(request: web.Request, worker: WorkerProcess) -> web.StreamResponse:
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    try:
        answer = await worker.http.get(url, headers=headers)
    except ClientError as error:
        raise unavailable(error) from error
    async with answer:
        if answer.status != 200:
            return await whole(answer)
        response = web.StreamResponse(headers=headers_for_client(answer))
        try:
            await response.prepare(request)
            await while_alive(worker, _pass_on(answer, response))
        except (NoWorkerError, ClientError, ConnectionError, TimeoutError):
            # Either side is gone, or the reader is too slow. A proper end would mean that the meeting is over.
            abort(request)
        return response


async def _pass_on(answer: ClientResponse, response: web.StreamResponse) -> None:
    async for piece in answer.content.iter_any():
        async with asyncio.timeout(SEND_S):
            await response.write(piece)
