"""``/meetings/{id}/notice``: where people in a meeting read what the bot does, and refuse or agree.

Open to everyone who has the link: they have no token, and the link cannot be guessed. It shows no results.
``/notice`` has the text for all meetings of the server; our page of rooms shows it before anyone agrees.
"""

from aiohttp import web

from ser_track.errors import BadRequestError, MeetingError, NotFoundError
from ser_track.meetings.notice_text import purpose_text
from ser_track.meetings.rate_limits import Allowance
from ser_track.web.guard import check_origin
from ser_track.web.keys import ANSWERS, CONFIG
from ser_track.web.requests import flag, read_object, text
from ser_track.web.routes.meetings import find
from ser_track.web.static_files import notice_page

_ANSWERS_PER_S = 5
_BURST = 100


class TooManyError(MeetingError):
    """Answers come faster than people give them."""

    status = 429
    code = "too_many"


async def get_purpose(request: web.Request) -> web.Response:
    """The text about the bot for all meetings of this server, before anyone joins one."""
    meetings = request.app[CONFIG].meetings
    recorded = meetings.record_folder is not None
    body = {"text": purpose_text(recorded), "consent": meetings.consent, "recorded": recorded}
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def get_notice(request: web.Request) -> web.FileResponse:
    """The page. If the link's meeting does not exist, the page says so."""
    try:
        find(request)
    except NotFoundError:
        return notice_page(404)
    return notice_page()


async def get_people(request: web.Request) -> web.Response:
    """The people that the page lists, and whether each is analysed. Raises NotFoundError."""
    session = find(request)
    roster = session.roster
    people = [
        {"participant": one.id, "name": one.name, "analysed": one.analysed}
        for one in roster.people.values()
        if not one.leaving
    ]
    notice = roster.notice
    body = {
        "state": session.state,
        "text": notice.text,
        "consent": notice.consent,
        "recorded": roster.recorder is not None,
        "participants": people,
    }
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def post_answer(request: web.Request) -> web.Response:
    """Refuse or agree for one participant: see `Roster.answered_by_link`.

    Raises:
        MeetingError: the meeting or participant does not exist, or somebody else has answered for them.
    """
    check_origin(request, request.app[CONFIG].server)
    session, body = find(request), await read_object(request)
    if not request.app[ANSWERS].setdefault(session, Allowance(_ANSWERS_PER_S, _BURST)).take():
        raise TooManyError("there are too many answers in a short time; try again in a moment")
    participant, analysed, given = text(body, "participant"), flag(body, "analysed"), body.get("secret", "")
    if not isinstance(given, str):
        raise BadRequestError("'secret' must be a string: the one from the reply to an earlier answer")
    secret = session.roster.answered_by_link(participant, analysed, given)
    return web.json_response({"participant": participant, "analysed": analysed, "secret": secret})
