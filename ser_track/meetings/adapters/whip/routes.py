"""``/whip/{meeting}``: senders begin a session with an offer (RFC 9725), add candidates to it, and end it."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from ser_track.aiortc_internals.offers import check_offer
from ser_track.config.schema import Config, IceServer
from ser_track.errors import MeetingError, NotFoundError
from ser_track.meetings.adapters.whip import ADAPTER
from ser_track.meetings.adapters.whip.ingest import Ingest, IngestTarget
from ser_track.meetings.adapters.whip.offers import read_fragment, without_missing_sections
from ser_track.meetings.adapters.whip.publisher import Publisher
from ser_track.meetings.names import check_name, check_person
from ser_track.web.guard import check_token
from ser_track.web.keys import BOT
from ser_track.web.requests import UnsupportedMediaError, base_url, peer_address, read_text

NOTICE_RELATION: Final = "https://github.com/ser-track/ser_track/blob/main/docs/meetings.md#whip"
"""The relation of a sender's own link of the notice; RFC 8288 wants a URI for relations that are not registered."""
_SDP: Final = "application/sdp"
_FRAGMENT: Final = "application/trickle-ice-sdpfrag"


class CrowdedError(MeetingError):
    """Too many senders from one address are not connected yet."""

    status = 429
    code = "crowded"


class PreconditionError(MeetingError):
    """``If-Match`` does not name the ICE session."""

    status = 412
    code = "precondition_failed"


class NoPreconditionError(MeetingError):
    """``If-Match`` is missing."""

    status = 428
    code = "precondition_required"


class NoRestartError(MeetingError):
    """ICE restarts are not supported."""

    status = 422
    code = "no_ice_restart"


async def post_offer(request: web.Request) -> web.Response:
    """Begin a session: one person, with the audio that the offer announces.

    Raises:
        MeetingError: see `docs/openapi.json` for each refusal.
    """
    bot, target = request.app[BOT], target_of(request)
    check_name("meeting", target.name, bot.config.rooms.max_name_length)
    name = request.query.get("name", "")
    if name:
        check_person(name, bot.config.rooms.max_name_length, bot.config.meetings.display_name)
    offer = without_missing_sections(await _text(request, _SDP))
    check_offer(offer)  # before anyone joins
    address = peer_address(request, bot.config.server)
    _check_crowd(request, address)
    session = bot.meetings.host(ADAPTER, target, base_url(request, bot.config))
    meeting = session.meeting
    assert isinstance(meeting, Ingest)
    publisher = meeting.add(name, address)
    try:
        answer = await publisher.connect(offer)
    except BaseException:
        await meeting.leave(publisher, "the offer could not be answered")
        raise
    headers = {"Location": f"/whip/{quote(target.name, safe='')}/{publisher.session}", "ETag": publisher.etag}
    response = web.Response(status=201, text=answer, content_type=_SDP, headers=headers | {"Accept-Patch": _FRAGMENT})
    for link in _links(publisher, bot.config):
        response.headers.add("Link", link)
    return response


async def patch_session(request: web.Request) -> web.Response:
    """Add candidates that were found after the offer.

    Raises:
        MeetingError: see `docs/openapi.json` for each refusal.
    """
    publisher = _publisher(request)
    if not publisher.patches.take():
        raise CrowdedError("candidates come too fast; send several of them in one request")
    fragment = read_fragment(await _text(request, _FRAGMENT))
    wanted = request.headers.get("If-Match")
    other = bool(fragment.ice_name) and fragment.ice_name != publisher.ice_name
    if wanted == "*" or (wanted is not None and other):
        raise NoRestartError("ICE restarts are not supported; DELETE the session, and POST a new offer")
    if wanted is None:
        raise NoPreconditionError("If-Match is missing; send the ETag of the answer to your offer")
    if wanted != publisher.etag:
        raise PreconditionError("If-Match is not the ETag of this session; send that of the answer to your offer")
    await publisher.add_candidates(fragment.candidates)
    return web.Response(status=204)


async def delete_session(request: web.Request) -> web.Response:
    """End a session; answered once its last results have been sent. Raises NotFoundError."""
    await _ingest(request).leave(_publisher(request), "left")
    return web.Response(status=200)


async def options(request: web.Request) -> web.Response:
    """Answer with what the endpoint takes and, if the request has the token, the ICE servers (RFC 9725, 4.6)."""
    response = web.Response(status=204, headers={"Accept-Post": _SDP})
    config = request.app[BOT].config
    try:
        check_token(request, config.server)
    except MeetingError:  # the preflight request of a page has no token
        return response
    for server in config.runtime.ice_servers:
        response.headers.add("Link", _ice_link(server))
    return response


def target_of(request: web.Request) -> IngestTarget:
    """The meeting in the path."""
    return IngestTarget(request.match_info["meeting"])


def _ingest(request: web.Request) -> Ingest:
    session = request.app[BOT].meetings.hosted(target_of(request).where)
    if session is None or not isinstance(session.meeting, Ingest):
        raise NotFoundError("the session does not exist or has ended; POST an offer to begin another")
    return session.meeting


def _publisher(request: web.Request) -> Publisher:
    return _ingest(request).find(request.match_info["session"])


async def _text(request: web.Request, kind: str) -> str:
    """The body as text. Raises UnsupportedMediaError, BadRequestError, TooSlowError."""
    if request.content_type.lower() != kind or "Content-Encoding" in request.headers:
        raise UnsupportedMediaError(f"the body is {request.content_type[:60]!r}; send {kind}, without Content-Encoding")
    return await read_text(request, "SDP")


def _check_crowd(request: web.Request, address: str) -> None:
    bot = request.app[BOT]
    meetings = [session.meeting for session in bot.meetings.present if isinstance(session.meeting, Ingest)]
    near = [one for meeting in meetings for one in meeting.publishers.values() if one.address == address]
    if (waiting := sum(not one.was_connected for one in near)) >= bot.config.rooms.max_unconnected:
        raise CrowdedError(f"{waiting} senders from your address are not connected yet; try again when they are")


def _links(publisher: Publisher, config: Config) -> list[str]:
    links = [_ice_link(server) for server in config.runtime.ice_servers]
    if (url := publisher.notice_url) is not None:
        links.append(f'<{url}>; rel="{NOTICE_RELATION}"')
    return links


def _ice_link(server: IceServer) -> str:
    link = f'<{server.urls}>; rel="ice-server"'
    if server.username is None or server.credential is None:
        return link
    username, credential = (json.dumps(each, ensure_ascii=True) for each in (server.username, server.credential))
    return f'{link}; username={username}; credential={credential}; credential-type="password"'


OPENAPI: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
_ENDPOINT, _SESSION = "/whip/{meeting}", "/whip/{meeting}/{session}"
ROUTES: Final = (
    web.post(_ENDPOINT, post_offer),
    web.options(_ENDPOINT, options),
    web.patch(_SESSION, patch_session),
    web.delete(_SESSION, delete_session),
    web.options(_SESSION, options),
)
