"""Halls: meetings on a server that speaks JSON lines over TCP. Each line is one object with a `type`.

The bot says `hello` with `hall`, `name` and `key`. The server answers `welcome`, or `refused` with `code` and `reason`.
Then it sends, with the `id` of a person

    joined      with `name`: somebody has joined
    audio       with `at`, in samples since they joined, and `pcm`: base64 of 16 kHz, mono, 16 bit; not sent for silence
    answer      with `analysed`: they agree, or refuse
    left

and `closed` with `reason` when the hall ends. The bot sends `event` with `event`, to everybody or, with `to`, to one
person; and `goodbye` when it leaves.
"""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from ser_track import Chunk, EncodedEvent, FloatArray, JoinError
from ser_track.meetings.adapter import Adapter
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.meeting import Capabilities, Host, Services

_MAX_LINE_BYTES: Final = 1 << 20
_MAX_UNREAD_BYTES: Final = 1 << 20
"""More unsent bytes than this mean that the server reads too slowly."""


def check_url(value: str) -> None:
    """Raise ValueError; its text completes a sentence that begins with the name of the field."""
    parts = urlsplit(value)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port or parts.path.strip("/"):
        raise ValueError(f"must be tcp://host:port, not {value!r}")


@dataclass(frozen=True, slots=True)
class HallTarget:
    """The hall to join."""

    url: str = field(metadata={"description": "Address of the server: tcp://host:port.", "check": check_url})
    hall: str = field(metadata={"description": "The hall's name."})
    key: str | None = field(default=None, repr=False, metadata={"description": "Key of the hall."})

    @property
    def where(self) -> str:
        """Server and hall as text for people, without the key."""
        return f"example {self.url} hall {self.hall}"


class Hall:
    """See `Meeting`."""

    def __init__(self, target: HallTarget, host: Host, services: Services) -> None:
        self._target = target
        self._host = host
        self._name = services.config.meetings.display_name
        self._timeout_s = services.config.meetings.step_timeout_s
        self._people: dict[str, Attendee] = {}
        self._heard_until: dict[str, int] = {}
        """By person: the earliest sample at which the next audio may begin."""
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[str] | None = None
        self._over: JoinError | None = None

    async def connect(self) -> None:
        """See `Meeting`."""
        self._over = None
        try:
            async with asyncio.timeout(self._timeout_s):
                reader = await self._open()
                answer = await _read(reader)
        except (OSError, TimeoutError, ValueError) as error:
            await self.close()
            reason = f"the server does not respond ({error or 'too slow'}); is it running?"
            raise JoinError(self._target.where, "connect", reason, "unreachable") from error
        except BaseException:
            await self.close()
            raise
        if answer.get("type") != "welcome":
            await self.close()
            reason, code = str(answer.get("reason", "no reason given")), str(answer.get("code", "refused"))
            raise JoinError(self._target.where, "enter the hall", reason, code)
        self._reading = asyncio.create_task(self._stay(reader))

    async def wait(self) -> str:
        """See `Meeting`."""
        assert self._reading is not None
        await asyncio.wait([self._reading])
        if self._over is not None:
            raise self._over
        return self._reading.result()

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`. Every event goes to everybody."""
        self._write({"type": "event"}, event)

    async def close(self) -> None:
        """See `Meeting`."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        self._people.clear()
        self._write({"type": "goodbye"})
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()  # after everything is sent
            try:
                async with asyncio.timeout(self._timeout_s):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()

    async def _open(self) -> asyncio.StreamReader:
        parts = urlsplit(self._target.url)
        reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_MAX_LINE_BYTES)
        self._write({"type": "hello", "hall": self._target.hall, "name": self._name, "key": self._target.key})
        return reader

    async def _stay(self, reader: asyncio.StreamReader) -> str:
        """Stay until the connection is lost or the hall ends; return the reason."""
        try:
            while self._over is None:
                await self._take(await _read(reader))
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"the connection is lost, or the server does not follow the protocol ({error!r})"
        return "the hall is closed"

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "closed":
            self._over = JoinError(self._target.where, "stay", str(message["reason"]), "destroyed")
            return
        person = str(message["id"])
        attendee = self._people.get(person)
        if message["type"] == "joined":
            self._joined(person, str(message["name"]))
        elif attendee is None:
            return  # the meeting is full, or the person has left
        elif message["type"] == "audio":
            await self._hear(attendee, person, int(message["at"]), _samples(message["pcm"]))
        elif message["type"] == "answer":
            self._host.answered(attendee, message["analysed"] is True)
        elif message["type"] == "left":
            del self._people[person]
            self._host.left(person, "left")

    def _joined(self, person: str, name: str) -> None:
        # The server sends nothing for people who are silent, so a pause in the audio is not a stall.
        attendee = self._host.joined(person, name, sends_silence=False)
        if attendee is None or person in self._people:
            return
        self._people[person] = attendee
        self._heard_until[person] = 0
        attendee.begin_sending()
        for event in self._host.present(attendee):
            self._write({"type": "event", "to": person}, event)

    async def _hear(self, attendee: Attendee, person: str, at: int, samples: FloatArray) -> None:
        if at >= self._heard_until[person]:  # audio that arrives twice, or too late, is ignored
            self._heard_until[person] = at + len(samples)
            attendee.heard(Chunk(at, samples))
            await attendee.room()  # audio that arrives faster than real time waits here

    def _write(self, message: dict[str, Any], event: EncodedEvent | None = None) -> None:
        if self._writer is None or self._writer.is_closing():
            return
        line = json.dumps(message)
        if event is not None:  # encoded once for everybody
            line = f'{line[:-1]}, "event": {event.text}}}'
        self._writer.write(line.encode() + b"\n")
        if self._writer.transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            self._writer.transport.abort()  # the connection is lost, and the bot reconnects


async def _read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read one message. Raises ValueError, or ConnectionError at the end."""
    line = await reader.readline()
    if not line:
        raise ConnectionError("the server closed the connection")
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a line is not an object")
    return message


def _samples(pcm: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(pcm), "<i2").astype(np.float32) / np.float32(32768)


ADAPTER: Final = Adapter(
    kind="example",
    summary="a hall of a server that speaks JSON lines over TCP",
    target=HallTarget,
    make=Hall,
    capabilities=Capabilities(results="messages", refusal="meeting", personal_links=True),
    schemes={"example": "tcp"},
)
