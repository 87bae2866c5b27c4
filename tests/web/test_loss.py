"""A network that loses packets between a real Chromium and the server."""

import asyncio
import random
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCRtpReceiver

from ser_track.aiortc_internals.socket import MediaSocket
from ser_track.rtp.header import Arrival, read_header
from tests.helpers.browser import join, launched
from tests.helpers.peer import RecordingTrack, offer_red
from tests.paths import SPOKEN
from tests.web.conftest import MakePeer, Running

LOSS = 0.15


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drops packets before aiortc counts them, so that its receiver reports tell the sender of the loss."""
    rng, receive = random.Random(3), RTCRtpReceiver._handle_rtp_packet

    async def receive_some(self: RTCRtpReceiver, packet: Any, arrival_time_ms: int) -> None:
        if rng.random() >= LOSS:
            await receive(self, packet, arrival_time_ms)

    monkeypatch.setattr(RTCRtpReceiver, "_handle_rtp_packet", receive_some)


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[Arrival]:
    """Drops packets before the tick reads them; the copies that the others carry."""
    rng, take, found = random.Random(4), MediaSocket.take, list[Arrival]()

    def take_some(self: MediaSocket, datagrams: Iterable[tuple[bytes, float]], offset_s: float) -> list[Arrival]:
        kept = [each for each in datagrams if read_header(each[0]) is None or rng.random() >= LOSS]
        arrivals = take(self, kept, offset_s)
        found.extend(arrival for arrival in arrivals if arrival.redundant)
        return arrivals

    monkeypatch.setattr(MediaSocket, "take", take_some)
    return found


async def counted(server: Running) -> dict[str, float]:
    async with server.http.get(f"{server.url}/metrics") as response:
        lines = [line.split() for line in (await response.text()).splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


@pytest.mark.browser
async def test_chromium_is_asked_for_error_correction_and_its_lost_packets_come_back(
    server: Running, lossy: None
) -> None:
    async with launched(Path(SPOKEN)) as browser:
        page = await browser.new_page()
        await join(page, server.url, "lossy", "Ann", consent=True)
        async with asyncio.timeout(40):
            while (found := await counted(server))["ser_track_packets_recovered"] < 10:  # noqa: ASYNC110  # a counter sets no event
                await asyncio.sleep(0.2)
    assert found["ser_track_packets_lost"] >= found["ser_track_packets_recovered"]
    assert found["ser_track_packets_broken"] == 0
    # What did not come back was made up: no time is missing but for the silence before and after.
    assert found["ser_track_missing_seconds"] < 0.5


async def recovered(server: Running, at_least: float) -> dict[str, float]:
    async with asyncio.timeout(60):
        while (found := await counted(server))["ser_track_packets_recovered"] < at_least:  # noqa: ASYNC110  # see above
            await asyncio.sleep(0.2)
    return found


async def test_what_the_network_loses_comes_from_the_copies_in_red(server: Running, peer: MakePeer) -> None:
    """aiortc's encoder sends no error correction: all that is recovered comes from RED."""
    ann = peer()
    answer = await ann.join("red", "Ann", RecordingTrack(SPOKEN), change=partial(offer_red, first=True))
    ann.send_red(0.1, seed=5)
    accepted = re.findall(r"^a=(?:rtpmap|fmtp):63 .*", answer["sdp"], re.MULTILINE)
    assert [line.strip() for line in accepted] == ["a=rtpmap:63 red/48000/2", "a=fmtp:63 96/96"]
    await ann.wait_for("emotion", timeout_s=60, final=True)
    found = await recovered(server, 20)
    assert found["ser_track_packets_lost"] < 2 * found["ser_track_packets_recovered"]
    assert found["ser_track_packets_broken"] == 0


@pytest.mark.parametrize("first", [True, False])
async def test_the_answer_keeps_the_order_of_the_offer(server: Running, peer: MakePeer, first: bool) -> None:
    """So a page that prefers RED sends it, and any other goes on to send plain Opus."""
    answer = await peer().join("order", "Ann", RecordingTrack(SPOKEN), change=partial(offer_red, first=first))
    types = re.search(r"^m=audio \d+ \S+ (.*)\r$", answer["sdp"], re.MULTILINE)
    assert types is not None
    assert types[1].split()[:2] == (["63", "96"] if first else ["96", "63"])


PREFER_RED = """async ([url, room]) => {
  const media = await navigator.mediaDevices.getUserMedia({audio: true});
  const connection = window.connection = new RTCPeerConnection();
  const sender = connection.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly'});
  const codecs = RTCRtpReceiver.getCapabilities('audio').codecs;
  const red = codecs.filter(each => each.mimeType === 'audio/red');
  sender.setCodecPreferences([...red, ...codecs.filter(each => each.mimeType !== 'audio/red')]);
  connection.createDataChannel('events');
  await connection.setLocalDescription(await connection.createOffer());
  const done = new Promise(end => connection.onicegatheringstatechange = end);
  if (connection.iceGatheringState !== 'complete') await done;
  const body = {room, name: 'Ann', consent: true, type: 'offer', sdp: connection.localDescription.sdp};
  const answer = await (await fetch(url + '/offer', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
  })).json();
  await connection.setRemoteDescription({type: 'answer', sdp: answer.sdp});
  return answer.sdp;
}"""


@pytest.mark.browser
async def test_a_chromium_that_prefers_red_sends_it_and_its_lost_packets_come_back(
    server: Running, lossy: None, copies: list[Arrival]
) -> None:
    async with launched(Path(SPOKEN)) as browser:
        page = await browser.new_page()
        await page.goto(server.url)
        answer = await page.evaluate(PREFER_RED, [server.url, "red"])
        assert " red/48000/2" in answer
        found = await recovered(server, 20)
    assert copies
    assert found["ser_track_packets_broken"] == 0
