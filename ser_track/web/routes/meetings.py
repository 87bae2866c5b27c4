"""``/meetings``: programs send the bot into meetings on other servers, ask how it stands there, and call it back."""

from typing import Any

from aiohttp import web

from ser_track.config.urls import public_url
from ser_track.errors import BadRequestError
from ser_track.meetings.registry import check_allowed, make_meeting
from ser_track.meetings.session import Session
from ser_track.web.keys import CONFIG, SESSIONS
from ser_track.web.requests import read_object, text


async def post_meeting(request: web.Request) -> web.Response:
    """Join a meeting; answered once the bot is in it, or could not get in.

    Raises:
        MeetingError: see `docs/openapi.json` for each refusal.
    """
    body = await read_object(request)
    kind, consent = text(body, "server"), body.get("consent")
    if consent not in (None, "required", "notice"):
        raise BadRequestError('\'consent\' must be "required" or "notice"; without it the configuration holds')
    target = {name: value for name, value in body.items() if name not in ("server", "consent")}
    meeting = make_meeting(kind, target, request.app[SESSIONS].services)
    check_allowed(target["url"], request.app[CONFIG].meetings.allowed_targets)
    session = await request.app[SESSIONS].join(meeting, base_url(request), consent)
    location = {"Location": f"/meetings/{session.id}"}
    return web.json_response(described(session), status=201, headers=location)


async def get_meetings(request: web.Request) -> web.Response:
    """All meetings, also those that ended lately."""
    return web.json_response({"meetings": [described(session) for session in request.app[SESSIONS]]})


async def get_meeting(request: web.Request) -> web.Response:
    """One meeting. Raises NotFoundError."""
    return web.json_response(described(find(request)))


async def delete_meeting(request: web.Request) -> web.Response:
    """Leave; answered once nothing is left of the bot there. Raises NotFoundError."""
    session = find(request)
    await request.app[SESSIONS].call_back(session)
    return web.Response(status=204)


def find(request: web.Request) -> Session:
    """The session that the path names. Raises NotFoundError."""
    return request.app[SESSIONS].find(request.match_info["meeting"])


def described(session: Session) -> dict[str, Any]:
    """A meeting as programs see it; no secret is in it."""
    people = [attendee.analysed for attendee in session.attendance.people.values()]
    return {
        "id": session.id,
        "server": session.meeting.kind,
        "where": session.meeting.where,
        "state": session.state,
        "reason": session.reason,
        "since_unix_s": round(session.since_s, 3),
        "consent": session.attendance.notice.consent,
        "results": session.meeting.capabilities.results,
        "refusal": session.meeting.capabilities.refusal,
        "notice_url": session.attendance.notice.url,
        "events": f"/meetings/{session.id}/events",
        "participants": len(people),
        "analysed": sum(people),
    }


def base_url(request: web.Request) -> str:
    """Where people reach this server: as the configuration says, else as whoever asks does.

    Raises:
        BadRequestError: nobody reaches anything by the name that it was asked for.
    """
    config = request.app[CONFIG]
    if (configured := config.meetings.public_url) is not None:
        return configured
    # Of several processes, the front alone has the encrypted connection.
    scheme = request.scheme if config.server.tls_certificate is None else "https"
    try:
        return public_url(f"{scheme}://{request.host}")
    except ValueError as error:
        raise BadRequestError("the request's Host is no address to link to; ask by host[:port]") from error
