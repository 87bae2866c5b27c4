"""``/ws``: who is in the room, consent, and the messages with which browsers connect to each other."""

import asyncio
import json
import logging
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from ser_track.errors import BadRequestError, MeetingError
from ser_track.meetings.participant import Participant, read_consent
from ser_track.meetings.room import introduce
from ser_track.web.keys import CONFIG, ROOMS, SOCKETS
from ser_track.web.offer import flag, text

log = logging.getLogger(__name__)
_HEARTBEAT_S = 15.0
_JOIN_TIMEOUT_S = 10.0
_MAX_WAITING = 256
BOT = {"id": "bot", "name": "ser_track emotion analysis"}


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Serve one page from its ``join`` message until it leaves or vanishes."""
    config = request.app[CONFIG]
    # Two missed heartbeats and a page that vanished without goodbye is closed, which counts as leaving.
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=config.server.max_message_bytes)
    await socket.prepare(request)
    outbox = _Outbox()
    try:
        participant = _join(request, await _first_message(socket), outbox)
    except (MeetingError, TimeoutError, ValueError) as error:
        await socket.send_json(_error(error))
        await socket.close(code=WSCloseCode.POLICY_VIOLATION)
        return socket
    writer = asyncio.create_task(outbox.write_to(socket))
    request.app[SOCKETS].add(socket)
    reason = "the page vanished"
    try:
        reason = await _serve(request, socket, participant)
    finally:
        writer.cancel()
        request.app[SOCKETS].discard(socket)
        await asyncio.shield(request.app[ROOMS].leave(participant, reason))
        await socket.close()
    return socket


class _Outbox:
    """Messages to one page. A page that does not read is let go, so that it cannot hold up its room."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_MAX_WAITING + 1)

    def put(self, message: dict[str, Any]) -> None:
        """Queue ``message``, or give the page up."""
        if self._messages.qsize() < _MAX_WAITING:
            self._messages.put_nowait(message)
        elif not self._messages.full():
            self._messages.put_nowait(None)

    async def write_to(self, socket: web.WebSocketResponse) -> None:
        """Send what is queued until cancelled."""
        while (message := await self._messages.get()) is not None:
            await socket.send_json(message)
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)


async def _first_message(socket: web.WebSocketResponse) -> dict[str, Any]:
    message = await socket.receive(timeout=_JOIN_TIMEOUT_S)
    if message.type is not WSMsgType.TEXT:
        raise BadRequestError("the first message must be a join message in JSON")
    return _object(message.data)


def _join(request: web.Request, message: dict[str, Any], outbox: _Outbox) -> Participant:
    if message.get("type") != "join":
        raise BadRequestError('the first message must have the type "join"')
    rooms, room_name = request.app[ROOMS], text(message, "room")
    participant = rooms.join(room_name, text(message, "name"), flag(message, "consent"), outbox.put)
    others = [introduce(other) for other in rooms.room(room_name).people.values() if other is not participant]
    outbox.put(
        {
            "type": "welcome",
            "room": room_name,
            "participant": participant.id,
            "stream": participant.key.stream,
            "secret": participant.secret,
            "analysed": participant.analysed,
            "participants": others,
            "bot": BOT,
            "ice_servers": list(request.app[CONFIG].runtime.ice_servers),
        }
    )
    return participant


async def close_sockets(app: web.Application) -> None:
    """Say goodbye to every page, so that the server need not wait for them."""
    sockets = app[SOCKETS]
    for socket in tuple(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops")


async def _serve(request: web.Request, socket: web.WebSocketResponse, participant: Participant) -> str:
    """Handle messages until the page is gone; returns why it left."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            body = _object(message.data)
            if body.get("type") == "leave":
                return "left"
            _handle(request, participant, body)
        except (MeetingError, ValueError) as error:
            await socket.send_json(_error(error))
    if socket.close_code == WSCloseCode.MESSAGE_TOO_BIG:
        return "sent a message over the limit"
    return "closed the page"


def _handle(request: web.Request, participant: Participant, body: dict[str, Any]) -> None:
    if body.get("type") != "signal":
        participant.set_consent(read_consent(body))
        return
    other = request.app[ROOMS].room(participant.key.meeting).people.get(text(body, "to"))
    if other is None or other.signal is None:
        raise BadRequestError(f"there is no page '{body['to']}' in this room to signal to")
    other.signal({"type": "signal", "from": participant.id, "data": body.get("data")})


def _object(data: str) -> dict[str, Any]:
    body = json.loads(data)
    if not isinstance(body, dict):
        raise BadRequestError("a message must be one JSON object")
    return body


def _error(error: Exception) -> dict[str, Any]:
    if isinstance(error, MeetingError):
        return {"type": "error", "code": error.code, "message": str(error)}
    if isinstance(error, TimeoutError):
        return {"type": "error", "code": "timeout", "message": f"no join message came in {_JOIN_TIMEOUT_S:.0f} s"}
    return {"type": "error", "code": "bad_request", "message": f"the message is no JSON ({error})"}
