"""docs/asyncapi.json: sound in itself, and held against what a real run says; nothing is in it that never comes."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ser_track.config.schema import Config
from tests.helpers.api_documents import ASYNCAPI, REGISTRY, document, validator
from tests.helpers.event_readers import Told, read_socket, reading
from tests.helpers.event_schema import TYPES
from tests.helpers.mediajson_bridge import Bridge
from tests.web.conftest import Running

DOCUMENT = document(ASYNCAPI)
# Bridges send nothing of those who are silent, so nothing stalls there; tests/meetings/test_documents.py has these.
NOT_OF_BRIDGES = {"stalled", "resumed"}


@pytest.fixture
def config() -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent="notice"))


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` in ``part``."""
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def followed(reference: str) -> Any:
    return REGISTRY.resolver(ASYNCAPI).lookup(reference).contents


def message_validator(channel: str, name: str, part: str = "payload") -> Any:
    reference = DOCUMENT["channels"][channel]["messages"][name]["$ref"]
    return validator(f"{ASYNCAPI}{reference}/{part}")


def test_every_reference_leads_somewhere() -> None:
    assert all(followed(reference) is not None for reference in references(DOCUMENT))


def test_every_message_has_its_place_and_its_schema() -> None:
    told = {channel: set[str]() for channel in DOCUMENT["channels"]}
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"].removeprefix("#/channels/")
        for message in operation["messages"]:
            told[channel].add(message["$ref"].removeprefix(f"#/channels/{channel}/messages/"))
    assert told == {name: set(channel["messages"]) for name, channel in DOCUMENT["channels"].items()}
    used = {message["$ref"] for channel in DOCUMENT["channels"].values() for message in channel["messages"].values()}
    assert used == {f"#/components/messages/{name}" for name in DOCUMENT["components"]["messages"]}
    for name in DOCUMENT["components"]["messages"]:
        checked = validator(f"{ASYNCAPI}#/components/messages/{name}/payload")
        checked.check_schema(followed(f"#/components/messages/{name}/payload"))


def test_addresses_have_their_parameters_and_servers_their_security() -> None:
    for channel in DOCUMENT["channels"].values():
        assert {part[1:-1] for part in channel["address"].split("/") if part[:1] == "{"} == set(
            channel.get("parameters", ())
        )
    schemes = {f"#/components/securitySchemes/{name}" for name in DOCUMENT["components"]["securitySchemes"]}
    for server in DOCUMENT["servers"].values():
        assert {scheme["$ref"] for scheme in server["security"]} == schemes


@pytest.mark.parametrize("channel", ["eventsOverSse", "eventsOverWebSocket"])
def test_there_is_a_message_for_every_type_of_event_that_readers_get(channel: str) -> None:
    assert set(DOCUMENT["channels"][channel]["messages"]) == {"snapshot", *TYPES}


async def conversation(server: Running, bridge: Bridge, words: list[bytes]) -> str:
    """Everything that can happen in a meeting that a bridge sends; returns the URL of the meeting."""
    url = f"{server.url}/meetings/{(await bridge.meeting())['id']}"
    await bridge.start("ann")
    await bridge.start("bob", encoding="mp3")
    await bridge.speak("ann", words)
    await bridge.wait_for(type="transcription-result", is_interim=False, participant={"id": "ann"})
    async with server.http.get(f"{url}/notice/participants") as response:
        people = {person["name"]: person["participant"] for person in (await response.json())["participants"]}
    async with server.http.post(
        f"{url}/notice/answer", json={"participant": people["bob"], "analysed": False}
    ) as response:
        assert response.status == 200
    await bridge.stop("ann")
    await bridge.send("session-end")
    await bridge.closed()
    async with server.http.delete(url) as response:
        assert response.status == 204
    return url


def check_told(channel: str, told: list[Told]) -> set[str]:
    """Hold each message against the document; returns which ones there were."""
    for number, kind, data in told:
        if channel == "eventsOverSse":
            message_validator(channel, kind).validate(data)
            message_validator(channel, kind, "headers").validate({"id": str(number), "event": kind})
        else:
            message_validator(channel, kind).validate({"id": number, "type": kind, "data": data})
    return {one.type for one in told}


def named(message: dict[str, Any]) -> str:
    """What the document calls a message on /mediajson."""
    if message.get("type") == "transcription-result":
        return {"emotion": "result", "notice": "notice"}[message["ser_track"]["type"]]
    event: str = message["event"]
    return "sessionEnd" if event == "session-end" else event


async def test_every_message_of_a_run_is_as_documented_and_every_documented_one_comes(
    server: Running, words: list[bytes]
) -> None:
    bridge = Bridge(server.http, server.url, "talk")
    async with bridge, asyncio.timeout(60):
        talking = asyncio.create_task(conversation(server, bridge, words))
        url = await talking
    over_sse, over_socket = list[Told](), list[Told]()
    async with reading(server.http, f"{url}/events", seen=0) as reader:
        over_sse += await reader.rest()
    async with reading(server.http, f"{url}/events") as reader:
        over_sse += await reader.rest()
    over_socket += await read_socket(server.http, f"{url}/events", last_event_id="0")
    over_socket += await read_socket(server.http, f"{url}/events")
    for channel, told in (("eventsOverSse", over_sse), ("eventsOverWebSocket", over_socket)):
        assert check_told(channel, told) == set(DOCUMENT["channels"][channel]["messages"]) - NOT_OF_BRIDGES
    for message in [*bridge.sent, *bridge.messages]:
        message_validator("mediajson", named(message)).validate(message)
    said = {named(message) for message in [*bridge.sent, *bridge.messages]}
    assert said == set(DOCUMENT["channels"]["mediajson"]["messages"])
