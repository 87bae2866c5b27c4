"""A real aiortc participant for tests: sends a recording in real time, collects what the data channel brings."""

import asyncio
import fractions
import random
import re
import struct
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from ser_track.output.data_channel import read_message
from ser_track.rtp.header import read_header, read_packet

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
        self,
        room: str,
        name: str,
        track: MediaStreamTrack | None,
        consent: bool = True,
        codec: str = "",
        change: Callable[[str], str] = str,
    ) -> dict[str, Any]:
        """Offer (that ``codec`` alone, if given), post, and apply the answer; returns the answer's JSON.

        ``change`` is done to the offer before it is posted.
        """
        if track is None:
            self.connection.addTransceiver("audio", direction="sendonly")
        else:
            self.connection.addTrack(track)
        if codec and (able := RTCRtpSender.getCapabilities("audio")) is not None:
            known = [each for each in able.codecs if each.name == codec]
            self.connection.getTransceivers()[0].setCodecPreferences(known)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.connection.localDescription
        body = {"room": room, "name": name, "consent": consent, "sdp": change(offer.sdp), "type": "offer"}
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

    def send_red(self, share: float, seed: int, payload_type: int = 63) -> None:
        """Send each packet in RED, with a copy of the one before, and drop this share of them; see `lose_packets`."""
        dice = random.Random(seed)
        transport = self.connection.getSenders()[0].transport
        send, before = transport._send_rtp, list[tuple[int, bytes]]()

        async def redundant(data: bytes) -> None:
            if (header := read_header(data)) is not None:
                payload = read_packet(header, data, None, 0.0).payload
                head, kind = data[: len(data) - len(payload)], header.payload_type & 127
                copies = [(header.timestamp - at & 0x3FFF, copy) for at, copy in before if copy]
                older = b"".join(
                    struct.pack("!BHB", 0x80 | kind, age << 2 | len(c) >> 8, len(c) & 255) for age, c in copies
                )
                data = head[:1] + bytes([payload_type | header.payload_type & 128]) + head[2:] + older + bytes([kind])
                data += b"".join(copy for _, copy in copies) + payload
                before[:] = [(header.timestamp, payload)]
                if dice.random() < share:
                    return
            await send(data)

        vars(transport)["_send_rtp"] = redundant

    async def close(self) -> None:
        await self.connection.close()


def offer_red(sdp: str, first: bool, payload_type: int = 63) -> str:
    """``sdp`` with RED of its Opus, before it or after it, as Chromium writes it."""
    opus = re.search(r"^a=rtpmap:(\d+) opus/48000/2\r\n", sdp, re.MULTILINE)
    assert opus is not None
    red = f"a=rtpmap:{payload_type} red/48000/2\r\na=fmtp:{payload_type} {opus[1]}/{opus[1]}\r\n"
    both = f"{payload_type} {opus[1]}" if first else f"{opus[1]} {payload_type}"
    sdp = sdp.replace(opus[0], red + opus[0] if first else opus[0] + red)
    return re.sub(rf"^(m=audio .*) {opus[1]}\b", rf"\1 {both}", sdp, count=1, flags=re.MULTILINE)
