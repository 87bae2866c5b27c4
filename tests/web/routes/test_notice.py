"""Answers over the link of the notice: whose they are, what they change, and who is told no."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from ser_track.config.schema import Config
from ser_track.event_types import Consent
from tests.helpers.mediajson_silent_bridge import Bridge
from tests.web.conftest import Running


@pytest.fixture
def consent() -> Consent:
    return "required"


@pytest.fixture
def config(consent: Consent) -> Config:
    base = Config()
    return replace(base, meetings=replace(base.meetings, consent=consent))


@pytest_asyncio.fixture
async def bridge(server: Running) -> AsyncIterator[Bridge]:
    """With Ann in the meeting."""
    connected = await Bridge.connect(server.http, server.url)
    await connected.start("Ann")
    yield connected
    await connected.close()


async def post(server: Running, url: str, body: Any, status: int = 200, **headers: str) -> dict[str, Any]:
    async with server.http.post(f"{url}/answer", json=body, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == status, answer
        return answer if status == 200 else answer["error"]


class Answers:
    """Answers for one person, from different browsers."""

    def __init__(self, server: Running, bridge: Bridge, name: str = "Ann") -> None:
        self._server, self._bridge, self._name = server, bridge, name

    async def give(self, analysed: bool, secret: str | None = None, status: int = 200) -> dict[str, Any]:
        """Answer, and see it at once in what the page shows, unless it is refused."""
        participant = (await self._bridge.people())[self._name]["participant"]
        body = {"participant": participant, "analysed": analysed} | ({} if secret is None else {"secret": secret})
        if analysed and status == 200:
            async with self._server.http.post(f"{self._bridge.notice_url}/answer", json=body) as response:
                if response.status == 403:  # it must be confirmed from inside the meeting
                    assert (await response.json())["error"]["code"] == "confirmation_needed"
                    body["code"] = await self._bridge.shown_code(participant)
        answer = await post(self._server, self._bridge.notice_url, body, status)
        if status == 200:
            assert (answer["participant"], answer["analysed"]) == (participant, analysed)
            assert (await self._bridge.people())[self._name]["analysed"] is analysed
        return answer


@pytest.fixture
def ann(server: Running, bridge: Bridge) -> Answers:
    return Answers(server, bridge)


async def test_the_page_learns_who_is_there_and_what_holds(server: Running, bridge: Bridge) -> None:
    async with server.http.get(f"{bridge.notice_url}/participants") as response:
        assert response.headers["Cache-Control"] == "no-store"
        told = await response.json()
    assert (told["state"], told["consent"]) == ("joined", "required")
    assert bridge.notice_url in told["text"]
    [person] = told["participants"]
    assert (person["name"], person["analysed"]) == ("Ann", False)


async def test_who_answered_can_change_it_with_the_secret_alone(ann: Answers) -> None:
    secret = (await ann.give(True))["secret"]
    assert (await ann.give(False, secret))["secret"] == secret
    for guess in (None, "", "guess", "\ud800"):
        assert (await ann.give(True, guess, status=403))["code"] == "forbidden"
    assert (await ann.give(True, secret))["secret"] == secret


async def test_anybody_can_refuse_for_anybody_and_cannot_take_it_back(ann: Answers) -> None:
    secret = (await ann.give(True))["secret"]
    refused = await ann.give(False)
    assert refused["secret"] == ""
    for tried in (refused["secret"], secret):
        error = await ann.give(True, tried, status=403)
        assert "somebody else has answered" in error["message"]


async def test_a_refusal_is_not_undone_by_refusing_once_more(ann: Answers) -> None:
    """Whoever would make another agree gets no secret by answering as they did."""
    await ann.give(False)
    again = await ann.give(False)
    await ann.give(True, again["secret"], status=403)


async def test_who_refused_within_the_meeting_is_made_to_agree_by_nobody_outside(
    server: Running, ann: Answers, bridge: Bridge
) -> None:
    secret = (await ann.give(True))["secret"]
    [session] = server.bot.meetings
    [attendee] = session.roster.people.values()
    session.roster.answered(attendee, False)
    await ann.give(True, status=403)
    await ann.give(True, secret, status=403)
    session.roster.answered(attendee, True)
    assert (await bridge.people())["Ann"]["analysed"] is True


async def test_an_answer_holds_for_who_comes_back_and_the_secret_still_changes_it(ann: Answers, bridge: Bridge) -> None:
    before = (await bridge.people())["Ann"]["participant"]
    secret = (await ann.give(False))["secret"]
    await bridge.stop("Ann")
    await bridge.start("Ann")
    after = (await bridge.people())["Ann"]
    assert after["participant"] != before
    assert after["analysed"] is False
    await ann.give(True, status=403)
    await ann.give(True, secret)


async def test_what_is_no_answer_is_refused(server: Running, bridge: Bridge) -> None:
    participant = (await bridge.people())["Ann"]["participant"]
    for body, named in (
        ({"analysed": True}, "'participant'"),
        ({"participant": participant}, "'analysed'"),
        ({"participant": participant, "analysed": "yes"}, "'analysed'"),
        ({"participant": participant, "analysed": True, "secret": 5}, "'secret'"),
        ([], "object"),
    ):
        assert named in (await post(server, bridge.notice_url, body, 400))["message"]
    gone = await post(server, bridge.notice_url, {"participant": "p-0", "analysed": False}, 404)
    assert "not in the meeting" in gone["message"]


async def test_a_link_to_no_meeting_shows_the_page_and_answers_nothing(server: Running) -> None:
    url = f"{server.url}/meetings/m-none/notice"
    async with server.http.get(url) as response:
        assert (response.status, response.content_type) == (404, "text/html")
        assert "Content-Security-Policy" in response.headers
    async with server.http.get(f"{url}/participants") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")
    await post(server, url, {"participant": "p-0", "analysed": False}, 404)


async def test_pages_of_other_sites_answer_for_nobody(server: Running, bridge: Bridge) -> None:
    body = {"participant": (await bridge.people())["Ann"]["participant"], "analysed": True}
    await post(server, bridge.notice_url, body, 403, Origin="https://elsewhere.example")
    await post(server, bridge.notice_url, body, 403, Origin="http://rebound.example", Host="rebound.example")
    assert (await bridge.people())["Ann"]["analysed"] is False
    await post(server, bridge.notice_url, body | {"analysed": False}, 200, Origin=server.url)


async def test_a_stranger_who_agrees_first_changes_nothing(server: Running, bridge: Bridge) -> None:
    participant = (await bridge.people())["Ann"]["participant"]
    body = {"participant": participant, "analysed": True}
    for proof in ({}, {"secret": "guess"}, {"key": "guess"}, {"code": "\ud800"}, {"code": "000000", "secret": ""}):
        error = await post(server, bridge.notice_url, body | proof, 403)
        assert error["code"] == "confirmation_needed", proof
        assert "in the meeting" in error["message"]
    assert (await bridge.people())["Ann"]["analysed"] is False


async def test_a_stranger_who_refuses_first_cannot_agree_after_it(
    server: Running, ann: Answers, bridge: Bridge
) -> None:
    secret = (await ann.give(False))["secret"]
    assert secret
    error = await ann.give(True, secret, status=403)
    assert error["code"] == "confirmation_needed"
    assert (await bridge.people())["Ann"]["analysed"] is False


async def test_who_has_confirmed_once_changes_their_answer_at_once(
    server: Running, ann: Answers, bridge: Bridge
) -> None:
    secret = (await ann.give(True))["secret"]
    participant = (await bridge.people())["Ann"]["participant"]
    for analysed in (False, True, False, True):
        body = {"participant": participant, "analysed": analysed, "secret": secret}
        assert (await post(server, bridge.notice_url, body))["secret"] == secret


async def test_a_confirmation_holds_for_one_id_and_nobody_else_with_that_name(server: Running, bridge: Bridge) -> None:
    ann = Answers(server, bridge)
    secret = (await ann.give(True))["secret"]
    await bridge.stop("Ann")
    await bridge.start("another", endpoint="Ann ")
    other = (await bridge.people())["Ann"]
    assert other["analysed"] is False
    body = {"participant": other["participant"], "analysed": True, "secret": secret}
    assert (await post(server, bridge.notice_url, body, 403))["code"] == "confirmation_needed"


async def test_a_code_is_for_one_person_and_once(server: Running, bridge: Bridge) -> None:
    await bridge.start("Bo")
    people = {name: person["participant"] for name, person in (await bridge.people()).items()}
    bodies = {name: {"participant": participant, "analysed": True} for name, participant in people.items()}
    await post(server, bridge.notice_url, bodies["Ann"], 403)
    code = await bridge.shown_code(people["Ann"])
    await post(server, bridge.notice_url, bodies["Bo"] | {"code": code}, 403)
    await bridge.shown_code(people["Bo"])
    await post(server, bridge.notice_url, bodies["Ann"] | {"code": f" {code} "})
    await post(server, bridge.notice_url, {"participant": people["Ann"], "analysed": False})
    assert (await post(server, bridge.notice_url, bodies["Ann"] | {"code": code}, 403))["code"] == "forbidden"


async def test_a_code_cannot_be_guessed_by_trying(server: Running, bridge: Bridge) -> None:
    participant = (await bridge.people())["Ann"]["participant"]
    body = {"participant": participant, "analysed": True}
    await post(server, bridge.notice_url, body, 403)
    code = await bridge.shown_code(participant)
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    for _ in range(4):
        assert "the code is wrong" in (await post(server, bridge.notice_url, body | {"code": wrong}, 403))["message"]
    assert "too many wrong codes" in (await post(server, bridge.notice_url, body | {"code": wrong}, 403))["message"]
    assert "too many wrong codes" in (await post(server, bridge.notice_url, body | {"code": code}, 403))["message"]
    assert (await bridge.people())["Ann"]["analysed"] is False


async def test_a_refusal_is_never_refused_whatever_others_send(server: Running, bridge: Bridge) -> None:
    participant = (await bridge.people())["Ann"]["participant"]

    async def answer(whose: str, analysed: bool) -> tuple[int, str]:
        body = {"participant": whose, "analysed": analysed}
        async with server.http.post(f"{bridge.notice_url}/answer", json=body) as response:
            return response.status, (await response.json()).get("error", {}).get("code", "")

    flood = [answer("p-0", analysed) for analysed in (True, False) for _ in range(150)]
    flood += [answer(participant, True) for _ in range(150)]
    refusals = [answer(participant, False) for _ in range(150)]
    *others, counted = await asyncio.gather(asyncio.gather(*flood), asyncio.gather(*refusals))
    assert Counter(counted) == {(200, ""): 150}
    (told,) = others
    assert Counter(told[:300]) == {(404, "not_found"): 300}, "who names nobody takes nothing from the others"
    assert Counter(told[300:])[429, "too_many"] >= 50, "agreements come faster than people give them"
    assert (await bridge.people())["Ann"]["analysed"] is False


async def test_agreements_of_one_address_leave_those_of_others_alone(server: Running, bridge: Bridge) -> None:
    await bridge.start("Bo")
    people = {name: person["participant"] for name, person in (await bridge.people()).items()}
    body = {"participant": people["Ann"], "analysed": True}
    bo = {"participant": people["Bo"], "analysed": True}
    for _ in range(300):
        async with server.http.post(f"{bridge.notice_url}/answer", json=body) as response:
            if response.status == 429:
                break
    assert response.status == 429
    await post(server, bridge.notice_url, bo, 403)


class TestToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, token="sesame"))

    async def test_who_was_told_the_link_needs_no_token(self, server: Running) -> None:
        async with server.http.ws_connect(f"{server.url}/mediajson?sessionId=talk&token=sesame") as socket:
            media = {"encoding": "opus", "sampleRate": 48_000, "channels": 1}
            await socket.send_json({"event": "start", "start": {"tag": "Ann", "mediaFormat": media}})
            await socket.receive_json(timeout=10)
            [session] = server.bot.meetings
            url = session.roster.notice.url or ""
            async with server.http.get(url) as response:
                assert response.status == 200
            async with server.http.get(f"{url}/participants") as response:
                [ann] = (await response.json())["participants"]
            await post(server, url, {"participant": ann["participant"], "analysed": False})
            async with server.http.get(url.removesuffix("/notice")) as response:
                assert response.status == 401, "the results are for who has the token"


@pytest.mark.parametrize("consent", ["required", "notice"])
async def test_anybody_can_read_what_holds_for_all_meetings(server: Running, consent: Consent) -> None:
    async with server.http.get(f"{server.url}/notice") as response:
        told = await response.json()
    assert (told["consent"], told["recorded"]) == (consent, False)
    assert told["text"].endswith("Nothing is stored.")
