"""Chooses the worker for a request: of a room, of a meeting on another server, or for a new one."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, WSServerHandshakeError, web

from ser_track.errors import MeetingError, MeetingFullError, NotFoundError, NoWorkerError, OverloadedError
from ser_track.shortages import shortage_behind
from ser_track.workers.placement import Place, Places
from ser_track.workers.process import WorkerProcess
from ser_track.workers.supervisor import Supervisor

WORKERS = web.AppKey("workers", Supervisor)
"""On the front's application, next to the configuration and the sockets of `ser_track.web.keys`."""


@asynccontextmanager
async def holding(workers: Supervisor, places: Places[WorkerProcess], name: str) -> AsyncIterator[WorkerProcess]:
    """The worker that has this place, or gets it. The place stays with that worker within the block.

    Raises:
        MeetingFullError: the limit is reached.
        NoWorkerError: no worker is available at the moment.
    """
    place = await _take(workers, places, name)
    try:
        yield place.worker
    finally:
        places.release(place, time.monotonic())


async def worker_with(workers: Supervisor, meeting: str) -> WorkerProcess:
    """The worker that has the meeting with this id.

    Raises:
        NotFoundError: there is no such meeting.
    """
    directory = workers.placement.directory
    try:
        return directory.worker_of(meeting)
    except NotFoundError:
        if not workers.searches.take():
            raise
    await workers.refresh()  # the meeting may be newer than the last report
    return directory.worker_of(meeting)


def unavailable(error: ClientError) -> MeetingError:
    """Why a worker could not be asked: nothing is left, here or there, to ask it with, or it has ended."""
    if isinstance(error, WSServerHandshakeError) and error.status == OverloadedError.status:
        return OverloadedError("the process of this meeting is overloaded; try again in a moment")
    return shortage_behind(error) or NoWorkerError()


async def _take(workers: Supervisor, places: Places[WorkerProcess], name: str) -> Place[WorkerProcess]:
    try:
        return places.take(name)
    except MeetingFullError:
        await workers.refresh()  # one may have ended since the last report
        return places.take(name)
