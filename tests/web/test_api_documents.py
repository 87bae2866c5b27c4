"""The documents of the interface: made of a base and of what each kind of meeting brings, and open to everybody."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import pytest

from ser_track.config.schema import Config
from ser_track.meetings.adapter import Adapter
from ser_track.meetings.meeting import Capabilities
from ser_track.meetings.registry import adapters, shipped
from ser_track.web.api_documents import asyncapi, encoded, openapi, protocol_schema
from tests.helpers.api_documents import ASYNCAPI, DOCS, OPENAPI
from tests.web.conftest import Running

PUBLISHED = {OPENAPI: openapi, ASYNCAPI: asyncapi}


@dataclass(frozen=True)
class Hall:
    url: str = field(metadata={"description": "Of the hall.", "schema": {"pattern": "^hall"}})
    door: str = "main"
    quiet: bool = False
    key: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        return f"hall {self.url}"


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Adapter:
    """A kind of meeting with a path of its own, as an installed package may bring it."""
    routes = ModuleType("hall_routes")
    vars(routes)["ROUTES"] = ()
    vars(routes)["OPENAPI"] = {"paths": {"/hall": {"post": {"summary": "Open it"}}}, "tags": [{"name": "hall"}]}
    vars(routes)["ASYNCAPI"] = {"channels": {"hall": {"address": "/hall"}}}
    monkeypatch.setitem(sys.modules, "hall_routes", routes)

    def make(*_: Any) -> Any:
        raise NotImplementedError

    capabilities = Capabilities(results="messages", refusal="link")
    return Adapter("great-hall", "a hall", Hall, make, capabilities, {"hall": "tcp"}, "hall_routes")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_files_in_docs_are_those_of_the_kinds_that_come_with_it(name: str) -> None:
    made = encoded(PUBLISHED[name](shipped().values()))
    assert (DOCS / name).read_text(encoding="utf-8") == made, "run scripts/make_openapi.py"


class TestServed:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, host="0.0.0.0", token="sesame"))

    @pytest.fixture
    def documents(self) -> dict[str, Any]:
        kinds = tuple(adapters().values())
        return {"openapi": openapi(kinds), "asyncapi": asyncapi(kinds), "protocol.schema": protocol_schema()}

    async def test_everybody_gets_them(self, server: Running, documents: dict[str, Any]) -> None:
        for name, document in documents.items():
            async with server.http.get(f"{server.url}/{name}.json") as response:
                assert (response.status, response.content_type) == (200, "application/json")
                assert await response.json() == document


def test_an_installed_kind_is_in_both_with_what_it_brings(hall: Adapter) -> None:
    kinds = (*shipped().values(), hall)
    document = openapi(kinds)
    schemas = document["components"]["schemas"]
    assert schemas["Meeting"]["properties"]["server"]["enum"] == [
        "great-hall",
        "janus",
        "mediajson",
        "rooms",
        "tracks",
        "whep",
        "whip",
    ]
    assert {"$ref": "#/components/schemas/JoinGreatHall"} in schemas["Join"]["oneOf"]
    assert schemas["Join"]["discriminator"]["mapping"]["great-hall"] == "#/components/schemas/JoinGreatHall"
    join = schemas["JoinGreatHall"]
    assert join["required"] == ["server", "url"]
    assert join["properties"] | {"consent": None} == {
        "server": {"const": "great-hall", "description": "The kind of meeting: a hall."},
        "url": {"type": ["string", "integer"], "minLength": 1, "description": "Of the hall.", "pattern": "^hall"},
        "door": {"type": ["string", "integer"], "minLength": 1, "default": "main"},
        "quiet": {"type": "boolean", "default": False},
        "key": {"type": ["string", "null"], "minLength": 1, "writeOnly": True},
        "consent": None,
    }
    assert document["paths"]["/hall"]["post"]["summary"] == "Open it"
    assert {"hall", "room", "meetings"} <= {tag["name"] for tag in document["tags"]}
    assert asyncapi(kinds)["channels"].keys() >= {"hall", "mediajson"}
    assert "/hall" not in openapi(shipped().values())["paths"], "what one document gets is not in the next"


def test_the_base_names_no_kind() -> None:
    def texts(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            for name, inner in part.items():
                yield name
                yield from texts(inner)
        elif isinstance(part, list):
            for inner in part:
                yield from texts(inner)
        else:
            yield str(part)

    for document in (openapi(()), asyncapi(())):
        told = " ".join(texts(document)).casefold()
        assert [kind for kind in ("janus", "mediajson", "videoroom") if kind in told] == []
