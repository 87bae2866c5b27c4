"""Rooms are meetings with several workers too, and the front has the documents of the interface."""

from typing import Any

import pytest

from ser_track.meetings.registry import adapters
from ser_track.web.api_documents import asyncapi, openapi, protocol_schema
from tests.meetings.adapters.rooms.test_as_meeting import closed_politely, refused_by_link
from tests.workers.conftest import Front


async def test_a_refusal_over_the_link_stops_analysis_and_the_page_is_told(front: Front) -> None:
    await refused_by_link(front.http, front.url)


async def test_a_program_closes_a_room(front: Front) -> None:
    await closed_politely(front.http, front.url)


@pytest.fixture
def documents() -> dict[str, Any]:
    kinds = tuple(adapters().values())
    return {"openapi": openapi(kinds), "asyncapi": asyncapi(kinds), "protocol.schema": protocol_schema()}


async def test_the_documents_come_from_the_front(front: Front, documents: dict[str, Any]) -> None:
    for name, document in documents.items():
        async with front.http.get(f"{front.url}/{name}.json") as response:
            assert await response.json() == document
