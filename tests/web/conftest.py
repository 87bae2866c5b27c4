"""The real server, in this process, on a free port of the loopback interface."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from blockbuster import blockbuster_ctx

from ser_track.bot import Bot
from ser_track.config.schema import Config, load_config
from ser_track.meetings.adapters.rooms.participant import Participant
from ser_track.meetings.adapters.rooms.room import Room
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.web.app import make_app
from ser_track.web.keys import BOT
from tests.helpers.mediajson_bridge import opus_packets
from tests.helpers.peer import Peer
from tests.paths import SPOKEN

MakePeer = Callable[[], Peer]


@dataclass
class Running:
    """A server under test and a client session to it."""

    url: str
    app: web.Application
    http: ClientSession

    @property
    def bot(self) -> Bot:
        """What the server is a face of."""
        return self.app[BOT]

    @property
    def rooms(self) -> Rooms:
        """Its own rooms."""
        return Rooms(self.bot.meetings, self.bot.config)

    def people(self) -> list[Participant]:
        """Everyone in every room."""
        rooms = [session.meeting for session in self.bot.meetings.present if isinstance(session.meeting, Room)]
        return [participant for room in rooms for participant in room.people.values()]


@pytest.fixture
def config() -> Config:
    """The defaults; a test module or class overrides this fixture to change them."""
    return load_config()


class _Server(TestServer):
    """Unlike aiohttp's own, it goes on handling requests of clients that went away, as a real server does."""

    async def _make_runner(self, **how: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **how | {"handler_cancellation": False, "auto_decompress": False})


@pytest_asyncio.fixture
async def server(app: web.Application) -> AsyncIterator[Running]:
    """The server, started as `server.py` starts it, but on a free port."""
    async with _Server(app, host="127.0.0.1") as running, ClientSession() as http:
        yield Running(str(running.make_url("")).rstrip("/"), app, http)


@pytest.fixture
def app(config: Config) -> web.Application:
    """Made outside the event loop, as the command line does: it reads the model files."""
    return make_app(Bot(config))


@pytest.fixture(scope="session")
def words() -> list[bytes]:
    """Opus packets of the recording, and of a second of silence after it."""
    return opus_packets(SPOKEN)


@pytest.fixture
def no_blocking() -> Iterator[None]:
    """A blocking call of ours on the event loop fails the test."""
    with blockbuster_ctx("ser_track") as watched:
        # aiortc waits for its decoder's thread when a connection closes; interrupted there, it stays half open.
        watched.functions["threading.Lock.acquire"].can_block_in("aiortc/rtcrtpreceiver.py", "__stop_decoder")
        yield


@pytest.fixture(autouse=True)
def _no_blocking(no_blocking: None) -> None:
    """For every test of this folder."""


@pytest_asyncio.fixture
async def peer(server: Running) -> AsyncIterator[MakePeer]:
    """Makes participants that are programs; they hang up at the end."""
    peers: list[Peer] = []

    def make() -> Peer:
        peers.append(Peer(server.http, server.url))
        return peers[-1]

    yield make
    await asyncio.gather(*(one.close() for one in peers))
