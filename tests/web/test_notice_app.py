"""The web server of `ser-track join`: the page behind the notice's link, and nothing else."""

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from ser_track.bot import Bot
from ser_track.web.app import make_notice_app


@pytest.fixture
def notice_app() -> web.Application:
    """Made outside the event loop, as it reads files."""
    return make_notice_app(Bot())


async def test_it_serves_the_notice_and_opens_no_rooms(notice_app: web.Application) -> None:
    async with TestServer(notice_app, host="127.0.0.1") as running, ClientSession() as http:
        for path in ("", "ws", "offer", "meetings", "metrics"):
            async with http.get(running.make_url(f"/{path}")) as response:
                assert response.status == 404, path
        async with http.get(running.make_url("/meetings/m-unknown/notice")) as response:
            assert (response.status, response.content_type) == (404, "text/html")
