"""The real server, and Debian's Janus for it to join rooms of."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from ser_track.event_types import Consent
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import ROOM, JanusServer
from tests.web.conftest import Running
from tests.web.conftest import app as app
from tests.web.conftest import no_blocking as no_blocking
from tests.web.conftest import server as server

MakePerson = Callable[..., JanusPerson]
SendBot = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def consent() -> Consent:
    """What holds for people who have not answered; a test module or class overrides it."""
    return "notice"


@pytest.fixture
def janus_server(tmp_path: Path) -> JanusServer:
    """Not started yet."""
    folder = tmp_path / "janus"
    folder.mkdir()
    return JanusServer(folder)


@pytest.fixture
def config(janus_server: JanusServer, consent: Consent) -> Config:
    base = Config()
    meetings = replace(base.meetings, allowed_targets=(janus_server.url,), consent=consent, step_timeout_s=5.0)
    return replace(base, meetings=meetings)


@pytest_asyncio.fixture
async def janus(janus_server: JanusServer) -> AsyncIterator[JanusServer]:
    """Running; it outlives whoever is in its rooms."""
    await janus_server.start()
    yield janus_server
    await janus_server.stop()


@pytest_asyncio.fixture
async def person(janus: JanusServer, server: Running) -> AsyncIterator[MakePerson]:
    """Makes participants; they leave at the end."""
    people: list[JanusPerson] = []

    def make(name: str, room: int = ROOM) -> JanusPerson:
        people.append(JanusPerson(server.http, janus.url, name, room))
        return people[-1]

    yield make
    for one in people:
        await one.close()


@pytest.fixture
def send_bot(janus: JanusServer, server: Running, no_blocking: None) -> SendBot:
    """Sends the bot into a room with ``POST /meetings``; returns the answer's JSON."""

    async def send(room: int = ROOM, status: int = 201, **fields: Any) -> dict[str, Any]:
        body = {"server": "janus", "url": janus.url, "room": room, **fields}
        async with server.http.post(f"{server.url}/meetings", json=body) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == status, answer
            return answer

    return send
