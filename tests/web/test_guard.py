"""Who may send the bot somewhere, send it audio, and read results; and that no secret is in an answer or a log."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, WSServerHandshakeError

from ser_track.config.schema import Config
from tests.helpers.event_readers import reading
from tests.helpers.mediajson_bridge import Bridge
from tests.web.conftest import Running

TOKEN = "sesame-open"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOBODY = "ws://127.0.0.1:9/janus"
"""May be called, and nobody answers there."""
SECRETS = {"pin": "pin-4711", "token": "token-0815", "api_secret": "secret-1234"}
GUARDED = [
    ("GET", "/meetings"),
    ("POST", "/meetings"),
    ("GET", "/meetings/{id}"),
    ("GET", "/meetings/{id}/events"),
    ("DELETE", "/meetings/{id}"),
    ("GET", "/mediajson?sessionId=talk"),
]


async def refusal(response: ClientResponse) -> tuple[int, str, str]:
    error = (await response.json())["error"]
    return response.status, error["code"], error["message"]


class TestOnItsOwnMachine:
    async def test_nothing_is_asked_of_who_is_there_too(self, server: Running) -> None:
        async with Bridge(server.http, server.url, "talk") as bridge:
            meeting = await bridge.meeting()
            async with reading(server.http, server.url + meeting["events"]) as reader:
                assert await reader.next() is not None
            async with server.http.delete(f"{server.url}/meetings/{meeting['id']}") as response:
                assert response.status == 204

    async def test_a_request_that_is_no_websocket_makes_no_meeting(self, server: Running) -> None:
        async with server.http.get(f"{server.url}/mediajson?sessionId=talk") as response:
            assert (await refusal(response))[:2] == (400, "bad_request")
        async with server.http.get(f"{server.url}/meetings") as response:
            assert await response.json() == {"meetings": []}

    @pytest.mark.parametrize(
        "query", ["", "?sessionId=", f"?sessionId={'x' * 201}", "?sessionId=a%00b", "?sessionId=%0A"]
    )
    async def test_a_session_without_a_usable_name_is_refused(self, server: Running, query: str) -> None:
        with pytest.raises(WSServerHandshakeError) as refused:
            await server.http.ws_connect(f"{server.url}/mediajson{query}")
        assert refused.value.status == 400

    async def test_half_a_character_in_a_name_takes_the_results_from_nobody(self, server: Running) -> None:
        async with Bridge(server.http, server.url, "talk") as bridge:
            await bridge.start("\ud800")
            await bridge.start("ann")
            await bridge.wait_for(type="transcription-result", participant={"id": "ann"})

    @pytest.mark.parametrize(
        "url", ["ws://[::::]/x", "ws://localhost:99999", "ws://localhost:0", "ws://:9", "http://h"]
    )
    async def test_what_is_no_address_is_named(self, server: Running, url: str) -> None:
        body = {"server": "janus", "url": url, "room": 1}
        async with server.http.post(f"{server.url}/meetings", json=body) as response:
            status, code, message = await refusal(response)
        assert (status, code) == (400, "bad_request")
        assert "'url' must be ws://" in message

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Content-Encoding", "deflate"),
            ("Content-Type", "application/json; charset=undefined"),
            ("Content-Type", "application/json; charset=rot13"),
        ],
    )
    async def test_a_body_that_is_not_what_its_headers_say_is_refused(
        self, server: Running, name: str, value: str
    ) -> None:
        async with server.http.post(f"{server.url}/meetings", data=b"garbage", headers={name: value}) as response:
            status, code, message = await refusal(response)
        assert (status, code) == (415, "unsupported_media_type")
        assert "send JSON in UTF-8" in message or "send it without Content-Encoding" in message


class TestBeyondItsMachine:
    @pytest.fixture
    def config(self) -> Config:
        return replace(Config(), server=replace(Config().server, host="0.0.0.0"))

    @pytest.mark.parametrize(("method", "path"), GUARDED)
    async def test_without_a_token_all_is_refused_with_the_remedy(
        self, server: Running, method: str, path: str
    ) -> None:
        async with server.http.request(method, server.url + path.format(id="m-1")) as response:
            status, code, message = await refusal(response)
        assert (status, code) == (403, "forbidden")
        assert message == "this server listens on 0.0.0.0 without server.token; set a token to use /meetings"

    async def test_a_bridge_is_refused_too(self, server: Running) -> None:
        with pytest.raises(WSServerHandshakeError) as refused:
            await server.http.ws_connect(f"{server.url}/mediajson?sessionId=talk")
        assert refused.value.status == 403


class TestWithAToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        server = replace(base.server, host="0.0.0.0", token=TOKEN)
        return replace(base, server=server, meetings=replace(base.meetings, allowed_targets=(NOBODY,)))

    @pytest.mark.parametrize(("method", "path"), GUARDED)
    async def test_without_one_it_is_asked_for(self, server: Running, method: str, path: str) -> None:
        async with server.http.request(method, server.url + path.format(id="m-1")) as response:
            assert (await refusal(response))[:2] == (401, "token_missing")
            assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(("method", "path"), GUARDED)
    @pytest.mark.parametrize("given", [{"Authorization": "Bearer wrong"}, {"Authorization": TOKEN[:-1]}])
    async def test_nothing_with_a_wrong_one(
        self, server: Running, method: str, path: str, given: dict[str, str]
    ) -> None:
        async with server.http.request(method, server.url + path.format(id="m-1"), headers=given) as response:
            assert (await refusal(response))[:2] == (403, "forbidden")
            assert "WWW-Authenticate" not in response.headers

    @pytest.mark.parametrize("by", ["header", "query"])
    async def test_all_with_it(self, server: Running, by: str) -> None:
        headers, query = (BEARER, {}) if by == "header" else ({}, {"token": TOKEN})
        async with Bridge(server.http, server.url, "talk", token=TOKEN) as bridge:
            meeting = await bridge.meeting()
            async with server.http.get(server.url + meeting["events"], headers=headers, params=query) as response:
                assert response.status == 200
            async with server.http.ws_connect(server.url + meeting["events"], headers=headers, params=query) as socket:
                assert (await socket.receive_json())["type"] == "snapshot"
            for method in ("GET", "DELETE"):
                url = f"{server.url}/meetings/{meeting['id']}"
                async with server.http.request(method, url, headers=headers, params=query) as response:
                    assert response.status in (200, 204)

    async def test_the_link_of_the_notice_needs_none(self, server: Running) -> None:
        async with Bridge(server.http, server.url, "talk", token=TOKEN) as bridge:
            meeting = await bridge.meeting()
        async with server.http.get(f"{meeting['notice_url']}/participants") as response:
            assert response.status == 200

    @pytest.mark.parametrize("host", ["[", "a b", "h:99999", "h:x", "", "[::1", "h:-1", "user@h", "ä"])
    async def test_an_impossible_host_is_no_failure_of_ours(self, server: Running, host: str) -> None:
        # The link of the notice is made of it.
        body = {"server": "janus", "url": NOBODY, "room": 1}
        async with server.http.post(f"{server.url}/meetings", json=body, headers=BEARER | {"Host": host}) as response:
            status, code, message = await refusal(response)
        assert (status, code) == (400, "bad_request"), message
        assert "Host" in message

    async def test_no_secret_is_in_an_answer_or_in_the_log(
        self, server: Running, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "ser_track")
        caplog.set_level(logging.INFO)
        right = {"server": "janus", "url": NOBODY, "room": 1, **SECRETS}
        wrong: list[dict[str, Any]] = [
            right,
            right | {"url": "ws://elsewhere.example/janus"},
            right | {"room": ""},
            {"server": "janus", **SECRETS},
            right
            | {"pin": [SECRETS["pin"]], "token": {"token": SECRETS["token"]}, "api_secret": [SECRETS["api_secret"]]},
            right | {"server": SECRETS["pin"][::-1], "consent": SECRETS["token"]},
            right | {"consent": SECRETS["token"]},
        ]
        answers = []
        for body in wrong:
            async with server.http.post(f"{server.url}/meetings", json=body, headers=BEARER) as response:
                answers.append((response.status, await response.text()))
        async with server.http.post(
            f"{server.url}/meetings",
            data=f'{{"pin": "{SECRETS["pin"]}"',
            headers=BEARER | {"Content-Type": "application/json"},
        ) as response:
            answers.append((response.status, await response.text()))
        async with server.http.get(f"{server.url}/meetings", headers={"Authorization": f"Bearer {TOKEN}x"}) as response:
            answers.append((response.status, await response.text()))
        assert [status for status, _ in answers] == [502, 403, 400, 400, 400, 400, 400, 400, 403]
        for path in ("/meetings", "/metrics"):
            async with server.http.get(server.url + path, headers=BEARER) as response:
                answers.append((response.status, await response.text()))
        logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
        for secret in (*SECRETS.values(), TOKEN):
            assert all(secret not in text for _, text in answers)
            assert secret not in logged
