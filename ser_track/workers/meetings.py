"""``/meetings``: each meeting belongs to one worker; the front shows those of all workers."""

import asyncio
import time
from itertools import count
from typing import Any, Final

from aiohttp import ClientError, web

from ser_track.errors import MeetingError, NoWorkerError
from ser_track.web.requests import read_object
from ser_track.workers.process import ASK_S, WorkerProcess
from ser_track.workers.proxy import SEE_S, answered, headers_for_worker, url_at_worker
from ser_track.workers.routing import WORKERS, holding, unavailable, worker_with

_JOINING: Final = count(1)


class HangingError(MeetingError):
    """A worker does not answer; it recovers, or is restarted."""

    status = 503
    code = "worker_hanging"


async def post_meeting(request: web.Request) -> web.Response:
    """Let the worker with the fewest people join a meeting; returns its answer.

    Raises:
        MeetingError: the body is not a JSON object, the limit of meetings is reached, or no worker is available.
    """
    await read_object(request)  # read all of it before a place is taken
    workers = request.app[WORKERS]
    # The worker chooses the id. From the next report on, the meeting has a place under that id.
    async with holding(workers, workers.placement.meetings, f"joining {next(_JOINING)}") as worker:
        answer = await answered(request, worker)
        if answer.status == 201:
            workers.placement.joined(answer.headers["Location"].rpartition("/")[2], worker, time.monotonic())
        return answer


async def get_meetings(request: web.Request) -> web.Response:
    """The meetings of all workers.

    Raises:
        NoWorkerError: no worker is available.
        HangingError: a worker does not answer, so its part would be missing.
    """
    workers = sorted(request.app[WORKERS].placement.workers, key=lambda worker: worker.number)
    if not workers:
        raise NoWorkerError
    listed = await asyncio.gather(*(_meetings_of(worker, request) for worker in workers))
    return web.json_response({"meetings": [meeting for meetings in listed for meeting in meetings]})


async def one_meeting(request: web.Request) -> web.Response:
    """The answer of the worker that has the meeting in the path. Raises NotFoundError, NoWorkerError."""
    worker = await worker_with(request.app[WORKERS], request.match_info["meeting"])
    return await answered(request, worker)


async def _meetings_of(worker: WorkerProcess, request: web.Request) -> list[Any]:
    url, headers = url_at_worker(request, worker), headers_for_worker(request)
    try:
        async with asyncio.timeout(ASK_S), worker.http.get(url, headers=headers) as answer:
            answer.raise_for_status()
            meetings: list[Any] = (await answer.json())["meetings"]
            return meetings
    except TimeoutError as error:
        raise HangingError(f"worker {worker.number} does not answer; try again in a few seconds") from error
    except ClientError as error:
        gone = await worker.ends_within(SEE_S) or worker not in request.app[WORKERS].placement.workers
        if gone:
            return []  # the worker has ended, and its meetings with it
        raise unavailable(error) from error
