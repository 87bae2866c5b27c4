"""The web server of `ser-track join`: the page behind the notice's link, and nothing else."""

import asyncio

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from ser_track.bot import Bot
from ser_track.web.app import make_notice_app


async def test_it_serves_the_notice_and_opens_no_rooms() -> None:
    bot = await asyncio.to_thread(Bot)
    async with TestServer(make_notice_app(bot), host="127.0.0.1") as running, ClientSession() as http:
        for path in ("", "ws", "offer", "meetings", "metrics"):
            async with http.get(running.make_url(f"/{path}")) as response:
                assert response.status == 404, path
        async with http.get(running.make_url("/meetings/m-unknown/notice")) as response:
            assert (response.status, response.content_type) == (404, "text/html")
