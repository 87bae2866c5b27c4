"""``POST /offer``: the WebRTC offer of a participant's analysis connection, answered in one exchange."""

from aiohttp import web

from ser_track.aiortc_internals.offers import check_offer
from ser_track.errors import BadRequestError
from ser_track.meetings.adapters.rooms.participant import Participant
from ser_track.meetings.adapters.rooms.room import Room
from ser_track.meetings.adapters.rooms.rooms import Rooms
from ser_track.web.keys import BOT
from ser_track.web.requests import flag, link_base, peer_address, read_object, text


async def post_offer(request: web.Request) -> web.Response:
    """Connect a page's participant, or add a program as a participant, and answer with our description.

    Raises:
        MeetingError: see `docs/protocol.md` for each refusal.
    """
    body = await read_object(request)
    if body.get("type") != "offer":
        raise BadRequestError("'type' must be \"offer\": the server only answers offers")
    sdp, rooms = text(body, "sdp"), Rooms(request.app[BOT].meetings, request.app[BOT].config)
    if "participant" in body:
        participant = rooms.find(text(body, "room"), text(body, "participant"), text(body, "secret"))
        check_offer(sdp)
        answer = await participant.connect(sdp)
    else:
        room_name, name, analysed = text(body, "room"), text(body, "name"), flag(body, "consent")
        rooms.check_names(room_name, name)
        # Checked before anyone joins: an unusable offer must not announce a participant to the others.
        check_offer(sdp)
        link, address = link_base(request, rooms.config), peer_address(request, rooms.config.server)
        await rooms.admit(room_name, address, with_page=False)
        room, participant = rooms.join(room_name, name, analysed, base_url=link, address=address)
        answer = await _connect_or_leave(room, participant, sdp)
    return web.json_response(
        {
            "type": "answer",
            "sdp": answer,
            "participant": participant.id,
            "stream": participant.attendee.key.stream,
            "analysed": participant.attendee.analysed,
        }
    )


async def _connect_or_leave(room: Room, participant: Participant, sdp: str) -> str:
    try:
        return await participant.connect(sdp)
    except BaseException:
        await room.leave(participant, "the offer could not be answered")
        raise
