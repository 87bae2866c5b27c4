"""Janus's API over a WebSocket: one session, its handles, and a time limit for every answer.

https://janus.conf.meetecho.com/docs/rest.html#WS, as Janus 1.1.2 implements it. Nothing here depends on rooms.
"""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Callable
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from ser_track.errors import SerTrackError

log = logging.getLogger(__name__)
_KEEPALIVE_S: Final = 20.0
"""Janus ends a session that sends nothing for 60 s."""
_HEARTBEAT_S: Final = 5.0
"""WebSocket pings: a dead connection is noticed within 7.5 s."""
_MAX_BYTES: Final = 1 << 20
_PLUGIN: Final = "janus.plugin.videoroom"
Message = dict[str, Any]


class JanusError(SerTrackError):
    """Janus, or one of its plugins, refused a request. ``code`` is Janus's error number, 0 if there was no answer."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(f"{reason} ({code})" if code else reason)


class JanusClient:
    """A session on one Janus server. After `closed` is done, no request can be sent."""

    def __init__(self, socket: ClientWebSocketResponse, secrets: dict[str, str], timeout_s: float) -> None:
        """Add ``secrets`` (``token``, ``apisecret``) to each request; each answer must come within ``timeout_s``."""
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the connection ended, once it has ended."""
        self._socket = socket
        self._secrets = secrets
        self._timeout_s = timeout_s
        self._session: int | None = None
        self._asked = 0
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._handles: dict[int, Handle] = {}
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    @classmethod
    async def open(cls, http: ClientSession, url: str, secrets: dict[str, str], timeout_s: float) -> "JanusClient":
        """Connect, and create a session.

        Raises:
            JanusError: nobody answers, the server does not speak Janus's protocol, or it refuses a session.
        """
        try:
            async with asyncio.timeout(timeout_s):
                socket = await http.ws_connect(
                    url, protocols=("janus-protocol",), heartbeat=_HEARTBEAT_S, max_msg_size=_MAX_BYTES
                )
        except TimeoutError:
            raise JanusError(0, f"no connection in {timeout_s:.0f} s") from None
        except (ClientError, OSError) as error:
            raise JanusError(0, _told(error)) from error
        client = cls(socket, secrets, timeout_s)
        try:
            client._session = _id_in(await client.ask({"janus": "create"}))
        except BaseException:
            await client.close()
            raise
        return client

    async def attach(self, on_event: Callable[[Message], None]) -> "Handle":
        """A handle on the VideoRoom plugin; ``on_event`` gets its unsolicited messages. Raises JanusError."""
        number = _id_in(await self.ask({"janus": "attach", "plugin": _PLUGIN}))
        self._handles[number] = Handle(self, number, on_event)
        return self._handles[number]

    async def ask(self, request: Message) -> Message:
        """Send ``request`` and return its answer.

        Raises:
            JanusError: the request is refused, no answer comes in time, or the connection has ended.
        """
        if self.closed.done():
            raise JanusError(0, f"the connection has ended ({self.closed.result()})")
        self._asked += 1
        transaction = str(self._asked)
        answer = self._answers[transaction] = asyncio.get_running_loop().create_future()
        session = {} if self._session is None else {"session_id": self._session}
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._socket.send_json({**request, **session, **self._secrets, "transaction": transaction})
                message: Message = await answer
        except TimeoutError:
            raise JanusError(0, f"no answer in {self._timeout_s:.0f} s") from None
        except ConnectionError as error:
            raise JanusError(0, "the connection broke") from error
        finally:
            self._answers.pop(transaction, None)
        if message["janus"] == "error":
            raise JanusError(message["error"]["code"], message["error"]["reason"])
        return message

    def forget(self, handle: int) -> None:
        """Deliver no more events of ``handle``."""
        self._handles.pop(handle, None)

    async def close(self, answers: bool = True) -> None:
        """End the session and the connection; never raises.

        If ``answers`` is false, no request is sent: the server ends the session itself when the connection ends.
        """
        try:
            if answers and not self.closed.done() and self._session is not None:
                with contextlib.suppress(JanusError):
                    await self.ask({"janus": "destroy"})
        finally:
            self._end("we left")
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError, ClientError, OSError):
            async with asyncio.timeout(self._timeout_s):
                await self._socket.close()

    async def _read(self) -> None:
        reason = "the WebSocket was closed"
        try:
            async for frame in self._socket:
                if frame.type is WSMsgType.TEXT:
                    self._take(json.loads(frame.data))
            if self._socket.exception() is not None:
                reason = f"the WebSocket broke ({self._socket.exception()!r})"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"the server does not speak Janus's protocol ({error!r})"
        except Exception as error:  # our handling of a message failed: end the meeting, rather than miss its messages
            log.exception("a message from Janus could not be handled")
            reason = f"the bot failed to handle a message ({error!r})"
        finally:
            self._end(reason)

    def _take(self, message: Message) -> None:
        kind = message["janus"]
        answer = self._answers.get(message.get("transaction", ""))
        if answer is not None and not answer.done() and kind != "ack":
            answer.set_result(message)
        elif kind == "timeout":
            self._end("Janus ended our session")
        elif (handle := self._handles.get(message.get("sender", 0))) is not None:
            handle.on_event(message)

    async def _keep_alive(self) -> None:
        # The answer is only an acknowledgement, which nobody waits for; WebSocket pings detect a dead connection.
        while True:
            await asyncio.sleep(_KEEPALIVE_S)
            if self._session is not None:
                with contextlib.suppress(ConnectionError):
                    await self._socket.send_json(
                        {"janus": "keepalive", "session_id": self._session, "transaction": "alive", **self._secrets}
                    )

    def _end(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(JanusError(0, f"the connection ended ({reason})"))


class Handle:
    """One handle on the VideoRoom plugin."""

    def __init__(self, client: JanusClient, number: int, on_event: Callable[[Message], None]) -> None:
        self.on_event = on_event
        self._client = client
        self._number = number

    async def request(self, body: Message, jsep: Message | None = None) -> tuple[Message, Message]:
        """Send a request to the plugin; returns its data and the session description with it, empty if there is none.

        Raises:
            JanusError: the plugin refuses, or no answer comes.
        """
        message = {"janus": "message", "handle_id": self._number, "body": body}
        answer = await self._client.ask(message if jsep is None else {**message, "jsep": jsep})
        data: Message = answer.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise JanusError(data["error_code"], str(data.get("error")))
        return data, answer.get("jsep", {})

    async def leave(self) -> bool:
        """Leave the room; never raises. Returns whether the server answered; if so, the bot is gone for everyone."""
        try:
            await self.request({"request": "leave"})
        except JanusError as error:
            return error.code != 0
        return True

    async def detach(self) -> None:
        """Release the handle; never raises."""
        self._client.forget(self._number)
        if not self._client.closed.done():
            with contextlib.suppress(JanusError):
                await self._client.ask({"janus": "detach", "handle_id": self._number})


def _id_in(answer: Message) -> int:
    try:
        number: int = answer["data"]["id"]
    except (KeyError, TypeError) as error:
        raise JanusError(0, f"the server does not speak Janus's protocol ({error!r})") from error
    return number


def _told(error: Exception) -> str:
    # aiohttp's own text may contain the address with its query.
    if isinstance(error, OSError) and error.errno is None:  # raised by our own code
        return str(error)
    inner = getattr(error, "os_error", None)
    if inner is not None:
        return f"nobody answers ({os.strerror(inner.errno) if inner.errno else inner})"
    status = getattr(error, "status", None)
    if status is not None:
        return f"the address has no WebSocket with Janus's protocol (HTTP status {status})"
    return f"the connection failed ({type(error).__name__})"
