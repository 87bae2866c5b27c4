"""``/ws``: the people in the room, consent, and the messages with which browsers connect to each other."""

import asyncio
import logging
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from ser_track.errors import BadRequestError, MeetingError
from ser_track.meetings.adapters.rooms.participant import Participant, introduce
from ser_track.meetings.adapters.rooms.room import Room
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.meetings.json_messages import parse_object, read_consent
from ser_track.meetings.names import BOT_NAME
from ser_track.meetings.rate_limits import Allowance
from ser_track.meetings.session import Session
from ser_track.web.guard import check_invited
from ser_track.web.keys import BOT, SOCKETS
from ser_track.web.outbox import CLOSE_S, Outbox
from ser_track.web.requests import flag, link_base, peer_address, text

log = logging.getLogger(__name__)
_HEARTBEAT_S = 15.0
_JOIN_TIMEOUT_S = 10.0
_MESSAGES_PER_S = 50
_BURST = 200
_BURST_PER_PERSON = 30
"""A page that joins a full room calls everyone at once, with an offer and a candidate for each of their addresses."""
_BOT: Final = {"id": "bot", "name": BOT_NAME}


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Serve one page from its ``join`` message until it leaves or vanishes."""
    config = request.app[BOT].config
    # A page that disappears without a goodbye misses two heartbeats; it is then closed, which counts as leaving.
    limit = config.server.max_message_bytes
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=limit, timeout=CLOSE_S)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    outbox = Outbox(socket, request.transport)
    code = WSCloseCode.INTERNAL_ERROR
    try:
        code = await _stay(request, socket, outbox)
    except Exception:  # anything else would write an HTTP response into the WebSocket
        log.exception("a page's WebSocket failed")
        outbox.put(_error("internal", "the server failed; join again, and see its log for the cause"))
    finally:
        request.app[SOCKETS].discard(socket)
        await outbox.close(code)
    return socket


async def _stay(request: web.Request, socket: web.WebSocketResponse, outbox: Outbox) -> WSCloseCode:
    """Run from before the join until after the leave; returns the close code of the socket."""
    try:
        # Checked only here, because a browser cannot read why a handshake was refused.
        check_invited(request)
        room, participant = await _join(request, await _first_message(socket), outbox)
    except MeetingError as error:
        outbox.put(_error(error.code, str(error)))
        return WSCloseCode.POLICY_VIOLATION
    except TimeoutError:
        outbox.put(_error("timeout", f"no join message arrived within {_JOIN_TIMEOUT_S:.0f} s; send it first"))
        return WSCloseCode.POLICY_VIOLATION
    reason = "the page vanished"
    goodbye = asyncio.create_task(_close_when_over(_rooms(request).session_of(room), participant, outbox))
    try:
        reason, code = await _serve(request, socket, room, participant, outbox)
    finally:
        goodbye.cancel()
        if outbox.given_up:
            reason = "did not read its messages"
        await asyncio.shield(room.leave(participant, reason))
    return code


async def _close_when_over(session: Session, participant: Participant, outbox: Outbox) -> None:
    """Say goodbye to a page whose room was closed. When the server stops, all pages are closed together."""
    await participant.closed.wait()
    if session.called_back:
        outbox.put(_error("room_closed", "the operator of this server closed this room; everyone has left it"))
        await outbox.close(WSCloseCode.OK)


async def _first_message(socket: web.WebSocketResponse) -> dict[str, Any]:
    message = await socket.receive(timeout=_JOIN_TIMEOUT_S)
    if message.type is not WSMsgType.TEXT:
        raise BadRequestError("the first message must be a join message in JSON")
    return parse_object(message.data)


async def _join(request: web.Request, message: dict[str, Any], outbox: Outbox) -> tuple[Room, Participant]:
    if message.get("type") != "join":
        raise BadRequestError('the first message must have the type "join"')
    rooms, name, analysed = _rooms(request), text(message, "name"), flag(message, "consent")
    room_name, link = text(message, "room"), link_base(request, rooms.config)
    rooms.check_names(room_name, name)
    address = peer_address(request, rooms.config.server)
    await rooms.admit(room_name, address, with_page=True)
    room, participant = rooms.join(room_name, name, analysed, outbox.put, link, address)
    person = participant.attendee
    others = [introduce(other) for other in room.people.values() if other is not participant]
    outbox.put(
        {
            "type": "welcome",
            "room": room.name,
            "participant": participant.id,
            "stream": person.key.stream,
            "secret": participant.secret,
            "analysed": person.analysed,
            "participants": others,
            "bot": _BOT,
            "labels": request.app[BOT].labels.to_json(),
            "ice_servers": [server.described() for server in request.app[BOT].config.runtime.ice_servers],
        }
    )
    return room, participant


async def _serve(
    request: web.Request, socket: web.WebSocketResponse, room: Room, participant: Participant, outbox: Outbox
) -> tuple[str, WSCloseCode]:
    """Handle messages until the page is gone; returns why it left, and the close code of the socket."""
    people = request.app[BOT].config.rooms.max_participants
    allowance = Allowance(_MESSAGES_PER_S, max(_BURST, _BURST_PER_PERSON * people))
    async for message in socket:
        if not allowance.take():
            limit = f"this page sent over {_MESSAGES_PER_S} messages per second and was removed; rejoin, and send fewer"
            outbox.put(_error("too_many", limit))
            return "sent too many messages", WSCloseCode.POLICY_VIOLATION
        if message.type is WSMsgType.TEXT and not _handle(room, participant, message.data, outbox):
            return "left", WSCloseCode.OK
        # Messages that arrive together would be handled together: let other tasks send theirs in between.
        await asyncio.sleep(0)
    if socket.close_code == WSCloseCode.MESSAGE_TOO_BIG:
        return "sent a message over the limit", WSCloseCode.MESSAGE_TOO_BIG
    return "closed the page", WSCloseCode.OK


def _handle(room: Room, participant: Participant, data: str, outbox: Outbox) -> bool:
    """Handle one message; returns False if it ends the connection."""
    try:
        body = parse_object(data)
        if body.get("type") == "leave":
            return False
        if body.get("type") == "signal":
            _signal(room, participant, body, outbox)
        else:
            participant.answered(read_consent(body))
    except MeetingError as error:
        outbox.put(_error(error.code, str(error)))
    return True


def _signal(room: Room, participant: Participant, body: dict[str, Any], outbox: Outbox) -> None:
    to = text(body, "to")
    other = room.people.get(to)
    if other is None or other.signal is None:
        # Not an error of the page: candidates are still on their way when somebody leaves.
        outbox.put(_error("gone", f"page '{to[:40]}' is not in this room; the message was dropped"))
        return
    try:
        other.signal({"type": "signal", "from": participant.id, "data": body.get("data")})
    except RecursionError as error:
        raise BadRequestError("'data' is nested too deeply to be forwarded; use fewer levels") from error


def _error(code: str, message: str) -> dict[str, Any]:
    return {"type": "error", "code": code, "message": message}


def _rooms(request: web.Request) -> Rooms:
    return Rooms(request.app[BOT].meetings, request.app[BOT].config)
