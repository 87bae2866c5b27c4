"""Senders of many tracks, of aiortc, and the real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from ser_track.event_types import Consent
from tests.helpers.track_sender import TrackSender
from tests.web.conftest import Running

MakeSender = Callable[..., TrackSender]


@pytest.fixture
def config(consent: Consent) -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent=consent))


@pytest_asyncio.fixture
async def sender(server: Running) -> AsyncIterator[MakeSender]:
    """Makes senders; they hang up at the end."""
    senders: list[TrackSender] = []

    def make(name: str | None = None) -> TrackSender:
        senders.append(TrackSender(server.http, server.url, name))
        return senders[-1]

    yield make
    await asyncio.gather(*(one.close() for one in senders))
