"""A bridge for tests: sends real speech as MediaJson, as fast as the server takes it, and collects what comes back."""

import asyncio
import base64
import fractions
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from aiortc.codecs.opus import OpusEncoder

FRAME_SAMPLES = 320
RATE_HZ = 16_000
ASKED_EVERY = 25
TICKS = 960
"""Of 48 kHz, in a packet of 20 ms."""


def opus_packets(path: Path, silence_s: float = 1.0) -> list[bytes]:
    """A 16 kHz mono WAV, and silence after it, as a sender puts it into packets of 20 ms."""
    with wave.open(str(path)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    samples = np.pad(samples, (0, int(silence_s * RATE_HZ)))
    encoder, packets = OpusEncoder(), list[bytes]()
    for at in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + FRAME_SAMPLES], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, fractions.Fraction(1, RATE_HZ)
        packets += encoder.encode(frame)[0]
    return packets


def telephone_packets(path: Path, codec: str, rate_hz: int, silence_s: float = 1.0) -> list[bytes]:
    """The same in packets of 20 ms of FFmpeg's ``codec``: PCM or G.711."""
    with wave.open(str(path)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    samples = np.pad(samples, (0, int(silence_s * RATE_HZ)))[:: RATE_HZ // rate_hz]
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", "s16"
    packets, size = list[bytes](), rate_hz // 50
    for at in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, at : at + size]), "s16", "mono")
        frame.sample_rate = rate_hz
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


class Bridge:
    """One WebSocket to ``/mediajson``; used as an async context manager."""

    def __init__(self, http: ClientSession, url: str, session: str, **query: str) -> None:
        self.messages: list[dict[str, Any]] = []
        """What the server sent."""
        self.sent: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self._http, self._url, self._query = http, url, {"sessionId": session, **query}
        self._socket: ClientWebSocketResponse
        self._reading: asyncio.Task[None]
        self._news = asyncio.Event()
        self._chunks: dict[str, int] = {}
        self._pings = 0

    async def __aenter__(self) -> Self:
        self._socket = await self._http.ws_connect(f"{self._url}/mediajson", params=self._query)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._reading

    async def send(self, event: str, **body: Any) -> None:
        self.sent.append({"event": event, "sequenceNumber": str(len(self.sent)), **body})
        await self._socket.send_json(self.sent[-1])

    async def start(self, endpoint: str, encoding: str = "opus", rate_hz: int = 48_000) -> None:
        media_format = {"encoding": encoding, "sampleRate": rate_hz, "channels": 2 if encoding == "opus" else 1}
        custom = {"endpointId": endpoint}
        start = {"tag": f"{endpoint}-a0", "mediaFormat": media_format, "customParameters": custom}
        await self.send("start", start=start)

    async def speak(self, endpoint: str, packets: Sequence[bytes]) -> None:
        """As fast as the server takes it: every half second of audio it is asked whether it has come so far."""
        for number, packet in enumerate(packets, 1):
            chunk = self._chunks[endpoint] = self._chunks.get(endpoint, -1) + 1
            payload = base64.b64encode(packet).decode()
            media = {"tag": f"{endpoint}-a0", "chunk": chunk, "timestamp": chunk * TICKS, "payload": payload}
            await self.send("media", media=media)
            if number % ASKED_EVERY == 0 or number == len(packets):
                await self.ping()

    async def ping(self) -> None:
        """Return once all that was sent before has been taken."""
        self._pings += 1
        await self.send("ping", id=self._pings)
        await self.wait_for(event="pong", id=self._pings)

    async def stop(self, endpoint: str) -> None:
        await self.send("stop", stop={"tag": f"{endpoint}-a0"})

    async def wait_for(self, timeout_s: float = 20, **fields: Any) -> dict[str, Any]:
        """The first message with these fields, past or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for message in self.messages:
                    if fields.items() <= message.items():
                        return message
                self._news.clear()
                await self._news.wait()

    async def closed(self, timeout_s: float = 20) -> int | None:
        """Wait for the server to close; returns its code."""
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(self._reading)
        return self.close_code

    async def meeting(self) -> dict[str, Any]:
        """What the server says of the meeting that this bridge sends."""
        async with self._http.get(f"{self._url}/meetings", params=self._query) as response:
            listed = (await response.json())["meetings"]
        name = f"mediajson session {self._query['sessionId']}"
        found: dict[str, Any] = next(one for one in reversed(listed) if one["where"] == name)
        return found

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self.messages.append(message.json())
                self._news.set()
        self.close_code = self._socket.close_code
