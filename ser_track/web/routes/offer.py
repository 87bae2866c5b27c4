"""``POST /offer``: the WebRTC offer of a participant's analysis connection, answered in one exchange."""

from typing import Any

from aiohttp import web

from ser_track.errors import BadRequestError
from ser_track.meetings.json_messages import parse_object
from ser_track.meetings.adapters.rooms.participant import Participant
from ser_track.aiortc_internals.sdp import check_offer
from ser_track.web.keys import ROOMS


async def post_offer(request: web.Request) -> web.Response:
    """Connect a page's participant, or join and connect a program, and answer with our description.

    Raises:
        MeetingError: see `docs/protocol.md` for each refusal.
    """
    body = await read_object(request)
    if body.get("type") != "offer":
        raise BadRequestError("'type' must be \"offer\": this side only answers")
    sdp = text(body, "sdp")
    # Before anybody joins: a useless offer is not to announce a participant to the others.
    check_offer(sdp)
    rooms = request.app[ROOMS]
    if "participant" in body:
        participant = rooms.find(text(body, "room"), text(body, "participant"), text(body, "secret"))
        answer = await participant.connect(sdp)
    else:
        participant = rooms.join(text(body, "room"), text(body, "name"), flag(body, "consent"))
        answer = await _connect_or_leave(request, participant, sdp)
    return web.json_response(
        {
            "type": "answer",
            "sdp": answer,
            "participant": participant.id,
            "stream": participant.key.stream,
            "analysed": participant.analysed,
        }
    )


async def preflight(request: web.Request) -> web.Response:
    """Let pages of allowed origins ask before they post."""
    return web.Response(status=204)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        BadRequestError: it is none.
    """
    try:
        body = await request.text()
    except (UnicodeError, LookupError, web.RequestPayloadError) as error:
        raise BadRequestError(f"the body cannot be read as text ({error}); send JSON in UTF-8") from error
    return parse_object(body)


def text(body: dict[str, Any], key: str) -> str:
    """The string at ``key``.

    Raises:
        BadRequestError: it is missing or no string.
    """
    if not isinstance(value := body.get(key), str):
        raise BadRequestError(f"'{key}' must be a string, and is {'missing' if value is None else repr(value)[:40]}")
    return value


def flag(body: dict[str, Any], key: str) -> bool:
    """The boolean at ``key``; never assumed, because it is somebody's answer to a question.

    Raises:
        BadRequestError: it is missing or no boolean.
    """
    if not isinstance(value := body.get(key), bool):
        raise BadRequestError(f"'{key}' must be true or false: say whether the person agreed to emotion analysis")
    return value


async def _connect_or_leave(request: web.Request, participant: Participant, sdp: str) -> str:
    try:
        return await participant.connect(sdp)
    except BaseException:
        await request.app[ROOMS].leave(participant, "the offer could not be answered")
        raise
