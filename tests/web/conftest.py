"""The real server, in this process, on a free port of the loopback interface."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from blockbuster import blockbuster_ctx

from ser_track.config import Config, load_config
from ser_track.web.app import make_app

SPOKEN = Path(__file__).parents[1] / "data" / "spoken.wav"


@dataclass
class Running:
    """A server under test and a client session to it."""

    url: str
    app: web.Application
    http: ClientSession


@pytest.fixture
def config() -> Config:
    """The defaults; a test module or class overrides this fixture to change them."""
    return load_config()


@pytest_asyncio.fixture
async def server(app: web.Application) -> AsyncIterator[Running]:
    """The server, started as `server.py` starts it, but on a free port."""
    async with TestServer(app, host="127.0.0.1") as running, ClientSession() as http:
        yield Running(str(running.make_url("")).rstrip("/"), app, http)


@pytest.fixture
def app(config: Config) -> web.Application:
    """Made outside the event loop, as the command line does: it reads the model files."""
    return make_app(config)


@pytest.fixture(autouse=True)
def _no_blocking() -> Iterator[None]:
    """A blocking call of ours on the event loop fails the test."""
    with blockbuster_ctx("ser_track"):
        yield
