"""A real aiortc participant for tests: sends a recording in real time, collects what the data channel brings."""

import asyncio
import fractions
import random
import time
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from ser_track.output.data_channel import read_message

FRAME_SAMPLES = 320
RATE_HZ = 16_000


class RecordingTrack(MediaStreamTrack):
    """Plays a 16 kHz mono WAV in real time, 20 ms a frame, then room silence for as long as somebody listens."""

    kind = "audio"

    def __init__(self, path: Path, seconds: float | None = None) -> None:
        super().__init__()
        with wave.open(str(path)) as recording:
            assert (recording.getframerate(), recording.getnchannels()) == (RATE_HZ, 1)
            samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
        self._samples = samples if seconds is None else samples[: int(seconds * RATE_HZ)]
        self._sent = 0
        self._started: float | None = None

    async def recv(self) -> av.AudioFrame:
        self._started = self._started or time.monotonic()
        await asyncio.sleep(self._started + self._sent / RATE_HZ - time.monotonic())
        piece = self._samples[self._sent : self._sent + FRAME_SAMPLES]
        frame = av.AudioFrame.from_ndarray(np.pad(piece, (0, FRAME_SAMPLES - len(piece)))[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._sent, fractions.Fraction(1, RATE_HZ)
        self._sent += FRAME_SAMPLES
        return frame


class Peer:
    """Joins a room with one POST, as any program can."""

    def __init__(self, http: ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = self.connection.createDataChannel("events")
        self.messages: list[tuple[float, str]] = []
        self.events: list[dict[str, Any]] = []
        self.id = ""
        self._news = asyncio.Event()
        self.channel.on("message", self._take)

    def _take(self, message: str) -> None:
        self.messages.append((time.monotonic(), message))
        self.events += read_message(message)
        self._news.set()

    async def join(
        self, room: str, name: str, track: MediaStreamTrack | None, consent: bool = True, codec: str = ""
    ) -> dict[str, Any]:
        """Offer (that ``codec`` alone, if given), post, and apply the answer; returns the answer's JSON."""
        if track is None:
            self.connection.addTransceiver("audio", direction="sendonly")
        else:
            self.connection.addTrack(track)
        if codec and (able := RTCRtpSender.getCapabilities("audio")) is not None:
            known = [each for each in able.codecs if each.name == codec]
            self.connection.getTransceivers()[0].setCodecPreferences(known)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.connection.localDescription
        body = {"room": room, "name": name, "consent": consent, "sdp": offer.sdp, "type": "offer"}
        async with self._http.post(f"{self._url}/offer", json=body) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == 200, answer
        self.id = answer["participant"]
        await self.connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        return answer

    async def wait_for(self, kind: str, timeout_s: float = 20, **fields: Any) -> dict[str, Any]:
        """The first event of type ``kind`` with these ``fields``, past or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.events:
                    if event["type"] == kind and fields.items() <= event.items():
                        return event
                self._news.clear()
                await self._news.wait()

    def lose_packets(self, share: float, seed: int) -> None:
        """Drop this share of outgoing RTP packets at random, before they reach the network."""
        dice = random.Random(seed)
        transport = self.connection.getSenders()[0].transport
        send = transport._send_rtp

        async def lossy(data: bytes) -> None:
            if dice.random() >= share:
                await send(data)

        vars(transport)["_send_rtp"] = lossy

    async def close(self) -> None:
        await self.connection.close()
