"""A page in Chromium publishes by WHIP: its offer goes out before it has any candidate, which come later."""

import pytest

from ser_track.config.schema import Config
from tests.helpers.browser import launched
from tests.helpers.meeting_events import MeetingEvents
from tests.helpers.whip_sender import WhipSender
from tests.paths import SPOKEN
from tests.web.conftest import Running

PUBLISH = """async () => {
    const connection = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    const voice = (await navigator.mediaDevices.getUserMedia({audio: true})).getAudioTracks()[0];
    connection.addTransceiver(voice, {direction: "sendonly"});
    const candidates = [];
    const gathered = new Promise((done) => {
        connection.onicecandidate = ({candidate}) => candidate?.candidate ? candidates.push(candidate) : done();
    });
    const offer = await connection.createOffer();
    const begun = await fetch("/whip/talk?name=Ann", {
        method: "POST", headers: {"Content-Type": "application/sdp"}, body: offer.sdp,
    });
    const answer = await begun.text();
    await connection.setLocalDescription(offer);
    await connection.setRemoteDescription({type: "answer", sdp: answer});
    await gathered;
    const head = offer.sdp.match(/^(a=ice-ufrag|a=ice-pwd|m=|a=mid).*$/gm).join("\\r\\n");
    const lines = candidates.map((each) => `a=${each.candidate}`).join("\\r\\n");
    const trickled = await fetch(begun.headers.get("Location"), {
        method: "PATCH", body: `${head}\\r\\n${lines}\\r\\na=end-of-candidates\\r\\n`,
        headers: {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": begun.headers.get("ETag")},
    });
    window.leave = async () => (await fetch(begun.headers.get("Location"), {method: "DELETE"})).status;
    return [begun.status, trickled.status, begun.headers.get("Link")];
}"""


@pytest.fixture
def config() -> Config:
    """The defaults: nobody is analysed before they agree."""
    return Config()


@pytest.mark.browser
async def test_whip_of_a_page_is_heard_after_it_agreed_at_its_own_link(server: Running) -> None:
    async with launched(SPOKEN) as browser:
        page = await browser.new_page()
        await page.goto(server.url)
        begun, trickled, link = await page.evaluate(PUBLISH)
        assert (begun, trickled) == (201, 204)
        events = MeetingEvents(server, "whip talk")
        person = (await events.until("joined", name="Ann", analysed=False))["participant"]
        ann = WhipSender(server.http, server.url, "talk")
        ann.notice_url = link.partition(">")[0].lstrip("<")
        assert await ann.answer(analysed=True) == 200
        await events.until("emotion", participant=person)
        assert await page.evaluate("() => window.leave()") == 200
        assert (await events.until("left", participant=person))["reason"] == "left"
        await ann.connection.close()
