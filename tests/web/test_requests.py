"""Bad requests get a clear refusal in JSON, and disturb nobody."""

from dataclasses import replace
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from ser_track.config import Config
from tests.web.conftest import Running

AUDIO = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
JOIN = {"room": "r", "name": "n", "consent": True, "type": "offer"}


async def post(server: Running, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    content = {"data": body} if isinstance(body, (str, bytes)) else {"json": body}
    async with server.http.post(f"{server.url}/offer", headers=headers, **content) as response:
        assert response.content_type == "application/json", await response.text()
        return response.status, (await response.json())["error"]


async def people(server: Running) -> int:
    async with server.http.get(f"{server.url}/healthz") as response:
        return int((await response.json())["participants"])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{", "no JSON"),
        ("[]", "object"),
        ({**JOIN}, "'sdp'"),
        ({**JOIN, "sdp": "nonsense"}, "no valid SDP"),
        ({**JOIN, "sdp": ""}, "no valid SDP"),
        ({**JOIN, "sdp": 5}, "'sdp'"),
        ({**JOIN, "sdp": "v=0", "type": "answer"}, "'type'"),
        ({"room": "r", "name": "n", "sdp": AUDIO, "type": "offer"}, "'consent'"),
        ({**JOIN, "sdp": AUDIO}, "cannot be answered"),
        ({**JOIN, "name": "", "sdp": AUDIO}, "name"),
        ({**JOIN, "room": "x" * 500, "sdp": AUDIO}, "room"),
    ],
)
async def test_a_malformed_offer_is_refused_and_leaves_no_participant(server: Running, body: Any, named: str) -> None:
    status, error = await post(server, body)
    assert status == 400
    assert error["code"] == "bad_request"
    assert named in error["message"]
    assert await people(server) == 0


async def test_an_offer_without_audio_says_so(server: Running) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("events")
    await connection.setLocalDescription(await connection.createOffer())
    status, error = await post(server, {**JOIN, "sdp": connection.localDescription.sdp})
    await connection.close()
    assert status == 400
    assert "no audio section" in error["message"]
    assert await people(server) == 0


async def test_an_oversized_offer_is_refused_by_its_size(server: Running) -> None:
    status, error = await post(server, {**JOIN, "sdp": "a" * 100_000})
    assert (status, error["code"]) == (413, "too_large")


async def test_a_foreign_secret_is_refused(server: Running) -> None:
    async with server.http.ws_connect(f"{server.url}/ws") as page:
        await page.send_json({"type": "join", "room": "r", "name": "Ann", "consent": True})
        welcome = await page.receive_json()
        body = {"room": "r", "participant": welcome["participant"], "secret": "guess", "sdp": AUDIO, "type": "offer"}
        assert (await post(server, body))[0] == 403
        assert (await post(server, {**body, "participant": "p-0"}))[0] == 404
        assert (await post(server, {**body, "room": "elsewhere"}))[0] == 404


async def test_unknown_paths_are_refused_in_json(server: Running) -> None:
    async with server.http.get(f"{server.url}/nothing") as response:
        assert response.status == 404
        assert "error" in await response.json()


async def test_health_and_metrics(server: Running) -> None:
    async with server.http.get(f"{server.url}/healthz") as response:
        assert await response.json() == {"status": "ok", "rooms": 0, "participants": 0}
    async with server.http.get(f"{server.url}/metrics") as response:
        text = await response.text()
    assert "# TYPE ser_track_participants gauge" in text
    assert "ser_track_late_ticks_total" in text


async def test_a_page_of_another_origin_may_not_use_us(server: Running) -> None:
    assert (await post(server, JOIN, Origin="https://elsewhere.example"))[0] == 403
    assert (await post(server, JOIN, Origin=server.url))[0] == 400, "our own page gets as far as its missing sdp"


class TestToken:
    @pytest.fixture
    def config(self) -> Config:
        base = Config()
        return replace(base, server=replace(base.server, token="sesame", allowed_origins=("https://friend.example",)))

    async def test_nothing_but_page_and_health_without_it(self, server: Running) -> None:
        assert (await post(server, JOIN))[0] == 403
        assert (await post(server, JOIN, Authorization="Bearer wrong"))[0] == 403
        assert (await post(server, JOIN, Authorization="Bearer sesame"))[0] == 400
        for path, status in (("/metrics", 403), ("/metrics?token=sesame", 200), ("/healthz", 200), ("/", 200)):
            async with server.http.get(server.url + path) as response:
                assert response.status == status, path

    async def test_an_allowed_origin_may_read_our_answers(self, server: Running) -> None:
        origin = {"Origin": "https://friend.example"}
        async with server.http.options(f"{server.url}/offer", headers=origin) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == "https://friend.example"
