"""docs/openapi.json, held against the running server by schemathesis: answers are as the document says, none is a 500.

The server has a meeting of two people, sent by a bridge, and one that is over.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import pytest
import schemathesis
from aiohttp import ClientSession
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

from ser_track.bot import Bot
from ser_track.config.schema import Config, load_config
from ser_track.web.app import make_app
from tests.helpers.api_documents import DOCS, OPENAPI
from tests.helpers.mediajson_bridge import Bridge
from tests.web.conftest import _Server

PEOPLE = ("ann", "bob")
TOKEN = "sesame"
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}
NOBODY = "ws://127.0.0.1:9/janus"
"""May be called, and nobody answers there."""
EXAMPLES = 8
SCENARIOS, STEPS = 8, 5


def schema(**generation: Any) -> Any:
    # A meeting that cannot be joined is answered with 502, as the document says: other 5xx are failures of ours.
    statuses = ["2xx", "3xx", "4xx", "502"]
    config = {"checks": {"not_a_server_error": {"expected-statuses": statuses}}, "generation": generation}
    return schemathesis.openapi.from_path(DOCS / OPENAPI, config=schemathesis.Config.from_dict(config))


schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")
Case = schemathesis.Case[Any]
ANYTHING = schema()
SENSIBLE = schema(mode="positive")


@dataclass
class Service:
    """A running server, what it has, and the way to end it."""

    url: str
    meeting: str
    ended: str
    participants: list[str]
    stop: asyncio.Event


def configured() -> Config:
    base = load_config()
    meetings = replace(base.meetings, allowed_targets=(NOBODY,), step_timeout_s=1.0)
    return replace(base, server=replace(base.server, token=TOKEN), meetings=meetings)


async def serve(started: "Future[Service]") -> None:
    stop = asyncio.Event()
    async with (
        _Server(make_app(Bot(configured())), host="127.0.0.1") as running,
        ClientSession(headers=AUTHORIZATION) as http,
    ):
        url = str(running.make_url("")).rstrip("/")
        async with Bridge(http, url, "talk", token=TOKEN) as bridge, Bridge(http, url, "over", token=TOKEN) as other:
            for person in PEOPLE:
                await bridge.start(person)
            await bridge.ping()
            meeting, ended = (await bridge.meeting())["id"], (await other.meeting())["id"]
            async with http.delete(f"{url}/meetings/{ended}") as response:
                assert response.status == 204
            async with http.get(f"{url}/meetings/{meeting}/notice/participants") as response:
                participants = [person["participant"] for person in (await response.json())["participants"]]
            started.set_result(Service(url, meeting, ended, participants, stop))
            await stop.wait()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """In a thread of its own: schemathesis waits for its answers in this one."""
    started: Future[Service] = Future()
    loop = asyncio.new_event_loop()

    def run() -> None:
        try:
            loop.run_until_complete(serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    found = started.result(60)
    yield found
    loop.call_soon_threadsafe(found.stop.set)
    thread.join(20)
    assert not thread.is_alive()


def not_judged(case: Case) -> list[Any]:
    # What is over can still be asked about.
    # What a session description must hold, and which ports there are, no JSON schema says.
    return [use_after_free, *([positive_data_acceptance] if case.method in ("POST", "PATCH") else [])]


def judged(case: Case, service: Service) -> None:
    case.call_and_validate(service.url, headers=AUTHORIZATION, excluded_checks=not_judged(case), timeout=10)


def named(case: Case) -> str:
    return str(case.operation.definition.raw["operationId"])


@ANYTHING.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=EXAMPLES)
def test_whatever_is_sent_the_answer_is_as_documented(case: Case, service: Service) -> None:
    judged(case, service)


@SENSIBLE.include(path_regex="{meeting}").parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=EXAMPLES)
def test_what_is_asked_about_real_meetings_is_answered_as_documented(case: Case, service: Service) -> None:
    # The events of the other would never end, and it must not.
    case.path_parameters["meeting"] = (
        service.ended if named(case) in ("readEvents", "leaveMeeting") else service.meeting
    )
    if isinstance(case.body, dict):
        case.body["participant"] = service.participants[len(str(case.body.get("secret"))) % 2]
    judged(case, service)


def test_links_lead_where_they_say(service: Service) -> None:
    followed: set[str] = set()

    class Program(SENSIBLE.exclude(operation_id="readEvents").as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": service.url, "headers": AUTHORIZATION, "timeout": 10}

        def before_call(self, case: Case) -> None:
            if named(case) == "leaveMeeting":
                case.path_parameters["meeting"] = service.ended
            elif case.path_parameters.get("meeting") == service.meeting:
                followed.add(named(case))

        def validate_response(self, response: schemathesis.Response, case: Case, **how: Any) -> None:
            case.validate_response(response, excluded_checks=not_judged(case))

    Program.run(settings=settings(max_examples=SCENARIOS, stateful_step_count=STEPS))
    assert {"getMeeting", "listPeople", "answerNotice"} <= followed
