"""``/meetings/{id}/notice``: where people in a meeting read what the bot does, and refuse or agree.

Open to everyone who has the link: they have no token, and the link cannot be guessed. It shows no results.
``/notice`` has the text for all meetings of the server; our page of rooms shows it before anyone agrees.
"""

from typing import Any

from aiohttp import web

from ser_track.errors import BadRequestError, MeetingError, NotFoundError
from ser_track.meetings.notice_text import purpose_text
from ser_track.meetings.rate_limits import ANSWERS_BURST, ANSWERS_PER_S, Allowance
from ser_track.meetings.session import Session
from ser_track.web.guard import check_origin
from ser_track.web.keys import ANSWERS, CONFIG
from ser_track.web.requests import flag, peer_address, read_object, text
from ser_track.web.routes.meetings import find
from ser_track.web.static_files import notice_page

_MAX_ASKERS = 1_000
"""The most rate limits of one meeting, one for each address and participant; the oldest is forgotten first."""


class TooManyError(MeetingError):
    """Agreements come faster than people give them."""

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
    if (me := roster.owner_of(request.query.get("me", ""))) is not None:
        body["me"] = me
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def post_answer(request: web.Request) -> web.Response:
    """Refuse or agree for one participant: see `Roster.answered_by_link`.

    Raises:
        MeetingError: the meeting or participant does not exist, or an agreement does not count.
    """
    check_origin(request, request.app[CONFIG].server)
    session, body = find(request), await read_object(request)
    participant, analysed = text(body, "participant"), flag(body, "analysed")
    proof = {name: _proof(body, name) for name in ("secret", "key", "code")}
    session.roster.find(participant)
    # Refusals are never refused, and requests that name nobody cost the others nothing.
    if analysed and not _allowance(request, session, participant).take():
        raise TooManyError("there are too many agreements in a short time; try again in a moment. Refusals still count")
    secret = session.roster.answered_by_link(participant, analysed, **proof)
    return web.json_response({"participant": participant, "analysed": analysed, "secret": secret})


def _proof(body: dict[str, Any], name: str) -> str:
    if not isinstance(given := body.get(name, ""), str):
        raise BadRequestError(f"'{name}' must be a string, and is {repr(given)[:40]}; leave it out if you have none")
    return given


def _allowance(request: web.Request, session: Session, participant: str) -> Allowance:
    """The rate limit of agreements from this address for this participant."""
    asker = peer_address(request, request.app[CONFIG].server), participant
    limits = request.app[ANSWERS].setdefault(session, {})
    limits[asker] = limit = limits.pop(asker, None) or Allowance(ANSWERS_PER_S, ANSWERS_BURST)
    if len(limits) > _MAX_ASKERS:
        del limits[next(iter(limits))]
    return limit
