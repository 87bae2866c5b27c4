"""A server with one hall, as examples/plugins/ser-track-example-meeting describes it, on a free port."""

import asyncio
import base64
import json
from typing import Any, Self

import numpy as np

from ser_track.chunk import FloatArray

HALL = "standup"
_STEP_SAMPLES = 320 * 25
"""Half a second in one message."""


class HallServer:
    """People in it say what they are told to; what the bot says is kept. Used as an async context manager."""

    def __init__(self, key: str | None = None) -> None:
        self.url = ""
        self.events: list[tuple[str | None, dict[str, Any]]] = []
        """What the bot said, with whom it was for; None: everybody."""
        self.goodbyes = 0
        self.hellos: list[dict[str, Any]] = []
        self._key = key
        self._people: dict[str, str] = {}
        self._said: dict[str, int] = {}
        self._bots: set[asyncio.StreamWriter] = set()
        self._news = asyncio.Event()
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """Of bots."""
        return len(self._bots)

    def hang_up(self) -> None:
        """The connections of all bots end."""
        for bot in self._bots:
            bot.close()

    def enter(self, person: str, name: str) -> None:
        self._people[person], self._said[person] = name, 0
        self._tell({"type": "joined", "id": person, "name": name})

    def leave(self, person: str) -> None:
        del self._people[person]
        self._tell({"type": "left", "id": person})

    def say(self, person: str, samples: FloatArray) -> None:
        """All at once, as fast as the bot takes it."""
        pcm = np.round(samples * 32767).astype("<i2")
        for at in range(0, len(pcm), _STEP_SAMPLES):
            piece = pcm[at : at + _STEP_SAMPLES]
            told = {"at": self._said[person], "pcm": base64.b64encode(piece.tobytes()).decode()}
            self._said[person] += len(piece)
            self._tell({"type": "audio", "id": person, **told})

    def answer(self, person: str, *, analysed: bool) -> None:
        self._tell({"type": "answer", "id": person, "analysed": analysed})

    def close_hall(self, reason: str) -> None:
        self._tell({"type": "closed", "reason": reason})

    def send(self, line: str) -> None:
        """Whatever it is."""
        for bot in self._bots:
            bot.write(line.encode() + b"\n")

    async def wait_for(self, kind: str, timeout_s: float = 20, to: str | None = None, **fields: Any) -> dict[str, Any]:
        """The first event of this type with these fields, past or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for told, event in self.events:
                    if told == to and event["type"] == kind and fields.items() <= event.items():
                        return event
                await self.changed()

    async def left(self, timeout_s: float = 10) -> None:
        """Until no bot is connected any more."""
        async with asyncio.timeout(timeout_s):
            while self._bots:
                await self.changed()

    async def changed(self) -> None:
        """Until something comes, or a bot goes."""
        self._news.clear()
        await self._news.wait()

    def _tell(self, message: dict[str, Any]) -> None:
        self.send(json.dumps(message))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = json.loads(await reader.readline())
            self.hellos.append(hello)
            if (refusal := self._refusal(hello)) is not None:
                writer.write(json.dumps(refusal).encode() + b"\n")
                return
            writer.write(b'{"type": "welcome"}\n')
            self._bots.add(writer)
            for person, name in self._people.items():
                writer.write(json.dumps({"type": "joined", "id": person, "name": name}).encode() + b"\n")
            while line := await reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            pass
        finally:
            self._bots.discard(writer)
            writer.close()
            self._news.set()

    def _refusal(self, hello: dict[str, Any]) -> dict[str, str] | None:
        if hello["hall"] != HALL:
            return {"type": "refused", "code": "no_room", "reason": f"there is no hall {hello['hall']}"}
        if hello["key"] != self._key:
            return {"type": "refused", "code": "wrong_pin", "reason": "the key is wrong"}
        return None

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            self.events.append((message.get("to"), message["event"]))
        elif message["type"] == "goodbye":
            self.goodbyes += 1
        self._news.set()
