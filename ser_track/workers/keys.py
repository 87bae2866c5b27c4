"""What hangs on the front's application, beside the configuration and the sockets of `ser_track.web.keys`."""

from aiohttp import web

from ser_track.workers.supervisor import Supervisor

WORKERS = web.AppKey("workers", Supervisor)
