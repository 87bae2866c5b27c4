"""Contract with aiortc: receiver reports can be sent less often, and still say what aiortc's own say."""

import asyncio

import pytest
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver

from ser_track.aiortc_internals import reports
from ser_track.aiortc_internals.reports import missing_parts, report_less_often


async def connected(sender: RTCPeerConnection, receiver: RTCPeerConnection) -> RTCRtpReceiver:
    """Connect the two; the receiver reports less often."""
    sender.addTrack(AudioStreamTrack())
    receiver.on("track", lambda _: report_less_often(receiver.getReceivers()[0]))
    await sender.setLocalDescription(await sender.createOffer())
    await receiver.setRemoteDescription(sender.localDescription)
    await receiver.setLocalDescription(await receiver.createAnswer())
    await sender.setRemoteDescription(receiver.localDescription)
    return receiver.getReceivers()[0]


async def test_a_sender_gets_reports_less_often_and_they_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    sender, receiver = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    monkeypatch.setattr(reports, "_INTERVAL_S", 1.0)
    try:
        heard = await connected(sender, receiver)
        missing = missing_parts(heard)
        assert not missing, f"aiortc moved {missing}: update ser_track/aiortc_internals/reports.py"
        async with asyncio.timeout(30):
            while True:
                told = {each.type: each for each in (await sender.getSenders()[0].getStats()).values()}
                if (remote := told.get("remote-inbound-rtp")) is not None and remote.roundTripTime is not None:
                    break
                await asyncio.sleep(0.1)
        assert (remote.packetsLost, remote.fractionLost) == (0, 0)
        assert 0 < remote.packetsReceived <= told["outbound-rtp"].packetsSent
        assert 0 <= remote.roundTripTime < 1
    finally:
        async with asyncio.timeout(10):  # aiortc waits for the task that reports
            await sender.close()
            await receiver.close()
