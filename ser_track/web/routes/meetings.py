"""``/meetings``: programs send the bot to meetings on other servers, read their state, and call the bot back."""

from typing import Any

from aiohttp import web

from ser_track.errors import BadRequestError
from ser_track.meetings.registry import check_allowed, find_adapter, read_target, requested
from ser_track.meetings.session import Session
from ser_track.web.keys import BOT
from ser_track.web.requests import base_url, read_object, text


async def post_meeting(request: web.Request) -> web.Response:
    """Join a meeting; answered once the bot is in it, or cannot join.

    Raises:
        MeetingError: see `docs/openapi.json` for each refusal.
    """
    body = await read_object(request)
    kind, consent = text(body, "server"), body.get("consent")
    if consent not in (None, "required", "notice"):
        raise BadRequestError('\'consent\' must be "required" or "notice"; without it the configuration applies')
    target = {name: value for name, value in body.items() if name not in ("server", "consent")}
    bot, adapter = request.app[BOT], find_adapter(kind, requested())
    meeting = read_target(adapter, target)
    if adapter.schemes:
        check_allowed(meeting.url, bot.config.meetings.allowed_targets)
    session = await bot.meetings.join(adapter, meeting, base_url(request, bot.config), consent)
    location = {"Location": f"/meetings/{session.id}"}
    answer = {} if adapter.answer is None else {"sdp": adapter.answer(session.meeting)}
    return web.json_response(described(session) | answer, status=201, headers=location)


async def get_meetings(request: web.Request) -> web.Response:
    """All meetings, including those that ended recently."""
    return web.json_response({"meetings": [described(session) for session in request.app[BOT].meetings]})


async def get_meeting(request: web.Request) -> web.Response:
    """One meeting. Raises NotFoundError."""
    return web.json_response(described(find(request)))


async def delete_meeting(request: web.Request) -> web.Response:
    """Leave; answered once the bot has left completely. Raises NotFoundError."""
    session = find(request)
    await request.app[BOT].meetings.call_back(session)
    return web.Response(status=204)


def find(request: web.Request) -> Session:
    """The session in the path. Raises NotFoundError."""
    return request.app[BOT].meetings.find(request.match_info["meeting"])


def described(session: Session) -> dict[str, Any]:
    """A meeting as programs see it, without secrets."""
    people = [attendee.analysed for attendee in session.roster.people.values()]
    return {
        "id": session.id,
        "server": session.adapter.kind,
        "where": session.where,
        "state": session.state,
        "reason": session.reason,
        "since_unix_s": round(session.since_s, 3),
        "consent": session.roster.notice.consent,
        "results": session.adapter.capabilities.results,
        "refusal": session.adapter.capabilities.refusal,
        "notice_url": session.roster.notice.url,
        "events": f"/meetings/{session.id}/events",
        "participants": len(people),
        "analysed": sum(people),
    }
