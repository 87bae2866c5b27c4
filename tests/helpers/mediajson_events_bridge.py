"""A conference's bridge as Jitsi's is: it connects to us and sends MediaJson, here of real Opus packets."""

import asyncio
import base64
import fractions
import json
import wave
from contextlib import suppress
from functools import cache
from typing import Any

import av
import numpy as np
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from aiortc.codecs.opus import OpusEncoder

from tests.helpers.peer import FRAME_SAMPLES, RATE_HZ
from tests.paths import SPOKEN
from tests.workers.conftest import SOON_S

PACKET_TICKS = 960


@cache
def spoken_packets() -> tuple[bytes, ...]:
    """The recording and two seconds of silence, 20 ms each."""
    with wave.open(str(SPOKEN)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    samples = np.pad(samples, (0, 2 * RATE_HZ))
    encoder, packets = OpusEncoder(), list[bytes]()
    for at in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + FRAME_SAMPLES], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, fractions.Fraction(1, RATE_HZ)
        packets += encoder.encode(frame)[0]
    return tuple(packets)


class Bridge:
    """One that has connected; `close` it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.told: list[dict[str, Any]] = []
        """Our events, as they came into the conference."""
        self.pongs: list[Any] = []
        self._socket = socket
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, http: ClientSession, url: str, session: str, **how: Any) -> "Bridge":
        """Raises WSServerHandshakeError."""
        return cls(await http.ws_connect(f"{url}/mediajson", params={"sessionId": session}, **how))

    async def start(self, endpoint: str) -> None:
        """Begin a source, whose tag is its endpoint's id."""
        media_format = {"encoding": "opus", "sampleRate": 48_000, "channels": 2}
        start = {"tag": endpoint, "mediaFormat": media_format, "customParameters": {"endpointId": endpoint}}
        await self.send(event="start", start=start)

    async def say(self, endpoint: str, packets: tuple[bytes, ...], first: int = 0) -> None:
        """Send packets as fast as they are taken; ``first`` is the number of the first of them."""
        for number, packet in enumerate(packets, first):
            payload = base64.b64encode(packet).decode()
            media = {"tag": endpoint, "chunk": number, "timestamp": number * PACKET_TICKS, "payload": payload}
            await self.send(event="media", media=media)

    async def send(self, **frame: Any) -> None:
        await self._socket.send_str(json.dumps(frame))

    async def wait_for(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event of this type with these fields, past or to come."""
        async with asyncio.timeout(SOON_S):
            while True:
                for event in self.told:
                    if event["type"] == kind and fields.items() <= event.items():
                        return event
                self._news.clear()
                await self._news.wait()

    async def ping(self) -> None:
        """Returns when all that was sent before has been handled."""
        number = len(self.pongs)
        await self.send(event="ping", id=number)
        async with asyncio.timeout(SOON_S):
            while number not in self.pongs:
                self._news.clear()
                await self._news.wait()

    async def close_code(self) -> int | None:
        """With what the other side closes."""
        async with asyncio.timeout(SOON_S):
            await asyncio.wait([self._reading])
        return self._socket.close_code

    async def close(self) -> None:
        await self._socket.close()
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        async for frame in self._socket:
            assert frame.type is WSMsgType.TEXT
            message = json.loads(frame.data)
            if message.get("event") == "pong":
                self.pongs.append(message["id"])
            else:
                self.told.append(message["ser_track"])
            self._news.set()
