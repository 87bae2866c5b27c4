"""Contract with aiortc: the private parts that inline decoding stands on are where we look for them."""

import asyncio
import logging
import threading

import av
import pytest
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from ser_track.errors import AudioError
from ser_track.ingest.inline_decoder import decode_inline

OPUS = RTCRtpCodecParameters("audio/opus", clockRate=48_000, channels=2, payloadType=96)


def feed(receiver: RTCRtpReceiver, data: bytes) -> None:
    """Hand the receiver's decoder an encoded frame, as its jitter buffer does."""
    vars(receiver)["_RTCRtpReceiver__decoder_queue"].put((OPUS, JitterFrame(data, timestamp=0)))


async def test_this_aiortc_lets_us_decode_on_the_loop_and_its_thread_ends_with_the_track() -> None:
    sender, receiver = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    sender.addTrack(AudioStreamTrack())
    taken: list[bool] = []
    faults: list[AudioError] = []

    @receiver.on("track")
    async def on_track(track: object) -> None:
        taken.append(decode_inline(receiver.getReceivers()[0], faults.append))

    await sender.setLocalDescription(await sender.createOffer())
    await receiver.setRemoteDescription(sender.localDescription)
    await receiver.setLocalDescription(await receiver.createAnswer())
    # No data is legal, and to the decoder means the end of the stream; what is no Opus is a gap, and told.
    feed(receiver.getReceivers()[0], b"")
    feed(receiver.getReceivers()[0], b"\xff\xff\xff")
    await sender.setRemoteDescription(receiver.localDescription)
    track = receiver.getReceivers()[0].track
    heard: list[tuple[int, int]] = []
    for _ in range(5):
        frame = await asyncio.wait_for(track.recv(), 10)
        assert isinstance(frame, av.AudioFrame)
        assert frame.pts is not None
        heard.append((frame.pts, frame.samples))
    await sender.close()
    await receiver.close()
    assert taken == [True], "aiortc moved its decoder: update ser_track/ingest/inline_decoder.py"
    assert len(faults) == 1
    assert heard == [(960 * number, 960) for number in range(5)]
    assert not any(thread.name == "audio-decoder" for thread in threading.enumerate())


def test_another_aiortc_keeps_its_thread_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Elsewhere(RTCRtpReceiver):
        """Stands for a receiver of a release that renamed its parts."""

        def __init__(self) -> None:
            self._track = None

    with caplog.at_level(logging.WARNING):
        assert decode_inline(Elsewhere(), lambda error: None) is False
    assert "decodes in a thread" in caplog.text
