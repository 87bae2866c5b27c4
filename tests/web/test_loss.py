"""A network that loses packets between a real Chromium and the server."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCRtpReceiver

from tests.helpers.browser import join, launched
from tests.paths import SPOKEN
from tests.web.conftest import Running

LOSS = 0.15


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drops packets before aiortc counts them, so that its receiver reports tell the sender of the loss."""
    rng, receive = random.Random(3), RTCRtpReceiver._handle_rtp_packet

    async def receive_some(self: RTCRtpReceiver, packet: Any, arrival_time_ms: int) -> None:
        if rng.random() >= LOSS:
            await receive(self, packet, arrival_time_ms)

    monkeypatch.setattr(RTCRtpReceiver, "_handle_rtp_packet", receive_some)


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
