"""Forwards requests from outside to a worker."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from aiohttp import ClientError, ClientResponse, web
from yarl import URL

from ser_track.errors import NoWorkerError
from ser_track.web.keys import CONFIG
from ser_track.web.requests import FORWARDED_FOR, peer_address, read_body, read_object
from ser_track.workers.merged_metrics import merged
from ser_track.workers.process import ASK_S, WorkerProcess
from ser_track.workers.routing import WORKERS, holding, unavailable

T = TypeVar("T")
SEE_S: Final = 1.0
"""The time to notice the end of a process; it usually takes much less."""
# Only the headers that a worker's guard and handlers use. The connection's own headers are not forwarded.
_PASSED_ON = ("Host", "Origin", "Authorization", "Content-Type", "Content-Encoding", "If-Match", "Last-Event-ID")
# Only the headers that differ between answers; the front adds the common ones itself (web/guard.py).
_PASSED_BACK = (
    "Content-Type", "Location", "Cache-Control", "X-Accel-Buffering", "Accept-Patch", "Accept-Post", "ETag", "Link",
)  # fmt: skip


def headers_for_worker(request: web.Request) -> dict[str, str]:
    """The headers of ``request`` that its worker gets, unchanged, and the address that it comes from."""
    given = {FORWARDED_FOR: peer_address(request, request.app[CONFIG].server).partition("/")[0]}
    given |= {name: value for name in _PASSED_ON if (value := request.headers.get(name)) is not None}
    # Bytes that are not UTF-8 cannot be forwarded; the guard accepted the request without using them.
    return {name: value for name, value in given.items() if _is_text(value)}


def url_at_worker(request: web.Request, worker: WorkerProcess) -> URL:
    """The address at ``worker`` of what ``request`` asks for."""
    return worker.url(request.rel_url.raw_path, request.rel_url.raw_query_string)


def headers_for_client(answer: ClientResponse) -> dict[str, str]:
    """The headers of a worker's answer that the client gets, unchanged."""
    return {name: value for name in _PASSED_BACK if (value := answer.headers.get(name)) is not None}


async def post_offer(request: web.Request) -> web.Response:
    """Forward an offer to the worker of its room; a new room first gets a worker.

    Raises:
        MeetingError: the body is not a JSON object, the limit of rooms is reached, or no worker is available.
    """
    body, workers = await read_object(request), request.app[WORKERS]
    room = given if isinstance(given := body.get("room"), str) else None
    if room is None or "participant" in body:  # a participant is in an existing room, or is refused there
        return await answered(request, workers.placement.rooms.worker_of(room))
    async with holding(workers, workers.placement.rooms, room) as worker:
        return await answered(request, worker)


async def while_alive(worker: WorkerProcess, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which waits for ``worker``.

    Raises:
        NoWorkerError: the worker has ended, so ``work`` would wait forever.
    """
    # A request whose connection is closed together with the others of a dead worker would wait forever.
    task, end = asyncio.create_task(work), asyncio.create_task(worker.ended.wait())
    try:
        await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((task,), timeout=SEE_S)  # pass on anything that the worker sent before it ended
        if not task.done():
            raise NoWorkerError
        return task.result()
    finally:
        task.cancel()
        end.cancel()
        await asyncio.gather(task, end, return_exceptions=True)


async def answered(request: web.Request, worker: WorkerProcess) -> web.Response:
    """The answer of ``worker``.

    Raises:
        NoWorkerError: the worker ended before it answered.
        OverloadedError: no descriptor is left to ask it with.
    """
    return await while_alive(worker, _answer(request, worker, await read_body(request)))


async def _answer(request: web.Request, worker: WorkerProcess, body: bytes) -> web.Response:
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    try:
        async with worker.http.request(request.method, url, headers=headers, data=body) as answer:
            return await whole(answer)
    except ClientError as error:
        raise unavailable(error) from error


async def whole(answer: ClientResponse) -> web.Response:
    """A worker's answer, read to its end, as an answer of the front."""
    return web.Response(status=answer.status, body=await answer.read(), headers=headers_for_client(answer))


async def metrics(request: web.Request) -> web.Response:
    """The metrics of all workers and of the front; a worker that does not answer is left out."""
    workers = request.app[WORKERS]
    texts = await asyncio.gather(*(_metrics_of(worker, request) for worker in workers.placement.workers))
    body = merged(dict(sorted(text for text in texts if text is not None)), workers.registry)
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})


async def _metrics_of(worker: WorkerProcess, request: web.Request) -> tuple[int, str] | None:
    url = worker.url("/metrics", request.rel_url.raw_query_string)
    try:
        async with asyncio.timeout(ASK_S), worker.http.get(url, headers=headers_for_worker(request)) as answer:
            return (worker.number, await answer.text()) if answer.status == 200 else None
    except (ClientError, TimeoutError):
        return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
