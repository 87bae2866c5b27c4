"""``/mediajson?sessionId=…``: the WebSocket that bridges connect to, with the audio of a conference."""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from ser_track.errors import AudioError, BadRequestError
from ser_track.mediajson.frames import read_frame
from ser_track.meetings.adapters.mediajson import ADAPTER
from ser_track.meetings.adapters.mediajson.conference import Conference, ConferenceTarget
from ser_track.meetings.session import Session
from ser_track.web.keys import BOT, SOCKETS
from ser_track.web.outbox import CLOSE_S, Outbox
from ser_track.web.requests import base_url

log = logging.getLogger(__name__)
_HEARTBEAT_S: Final = 15.0
_MAX_SESSION: Final = 200
_MAX_BROKEN: Final = 100
"""Frames that cannot be read; who sends more of them is no bridge."""
_MAX_WAITING: Final = 128


class BridgeSocket:
    """See `Bridge`."""

    def __init__(self, outbox: Outbox, query: Mapping[str, str]) -> None:
        """``query`` says what is wanted back, beside answers to pings: results, provisional ones too?"""
        self._outbox = outbox
        self._results = query.get("sendBack", "true") != "false"
        self._interim = query.get("sendBackInterim", "false") == "true"

    def answer(self, text: str) -> None:
        """See `Bridge`."""
        self._outbox.put_text(text)

    def tell(self, text: str, interim: bool) -> None:
        """See `Bridge`."""
        if self._results and (not interim or (self._interim and self._outbox.waiting < _MAX_WAITING)):
            self._outbox.put_text(text)


async def mediajson(request: web.Request) -> web.WebSocketResponse:
    """Serve one bridge until it leaves; several may send the same session.

    Raises:
        MeetingError: it names no session, or there are too many meetings.
    """
    target, limit = target_of(request), request.app[BOT].config.server.max_message_bytes
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=limit, timeout=CLOSE_S)
    if not socket.can_prepare(request).ok:  # before there is a meeting that nobody comes to
        raise BadRequestError("/mediajson is a WebSocket: connect to it as one")
    bot = request.app[BOT]
    session = bot.meetings.host(ADAPTER, target, base_url(request, bot.config))
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    outbox = Outbox(socket, request.transport)
    bridge = BridgeSocket(outbox, request.query)
    conference = session.meeting
    assert isinstance(conference, Conference)
    conference.add(bridge)
    code = WSCloseCode.INTERNAL_ERROR
    goodbye = asyncio.create_task(_close_when_over(session, outbox))
    try:
        code = await _serve(socket, conference, bridge, session)
    finally:
        goodbye.cancel()
        request.app[SOCKETS].discard(socket)
        conference.remove(bridge)
        # What the last words of those who came over it were is told first.
        await asyncio.shield(session.roster.parted())
        await outbox.close(code)
    return socket


async def _close_when_over(session: Session, outbox: Outbox) -> None:
    await session.ended()
    await outbox.close(WSCloseCode.GOING_AWAY)


def target_of(request: web.Request) -> ConferenceTarget:
    """The session that a bridge names. Raises BadRequestError."""
    name = request.query.get("sessionId", "")
    if not 0 < len(name) <= _MAX_SESSION or not name.isprintable():
        raise BadRequestError(f"'sessionId' must be in the query, with 1 to {_MAX_SESSION} printable characters")
    return ConferenceTarget(name)


async def _serve(
    socket: web.WebSocketResponse, conference: Conference, bridge: BridgeSocket, session: Session
) -> WSCloseCode:
    broken = 0
    async for message in socket:
        if session.state == "left":
            return WSCloseCode.GOING_AWAY
        try:
            if message.type is not WSMsgType.TEXT:
                raise AudioError("a binary message came; MediaJson is text")
            frame = read_frame(message.data)
        except AudioError as error:
            broken += 1
            if broken == 1:
                log.warning("%s: %s (further ones are counted)", session.where, error)
            if broken > _MAX_BROKEN:
                return WSCloseCode.POLICY_VIOLATION
            continue
        if frame is not None and not await conference.take(bridge, frame):
            return WSCloseCode.OK
        # Frames that came together are handled together: others must have their turn meanwhile.
        await asyncio.sleep(0)
    return WSCloseCode.OK


ASYNCAPI: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("asyncapi.json").read_text(encoding="utf-8"))
ROUTES: Final = (web.get("/mediajson", mediajson, allow_head=False),)
