"""WHEP's HTTP side: an offer is posted, the answer has the session's address, and `DELETE` there ends it.

https://datatracker.ietf.org/doc/draft-ietf-wish-whep/, as its drafts 01 to 04 describe it.
"""

import asyncio
import contextlib
import logging
from typing import Final
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession

from ser_track.errors import SerTrackError

log = logging.getLogger(__name__)
_SDP: Final = "application/sdp"
_MAX_BYTES: Final = 1 << 16
_CREATED: Final = (200, 201)
_CODES: Final = {401: "unauthorized", 403: "unauthorized", 404: "no_room", 410: "no_room"}
_REMEDIES: Final = {
    401: "; give the token of the server (SER_TRACK_BEARER_TOKEN)",
    403: "; give a token that may play this stream",
    404: "; nobody publishes this stream (yet), or the address is wrong",
    405: "; this address is not that of a WHEP endpoint",
    406: "; it wants to make the offer itself, which is not supported",
    409: "; nobody publishes this stream (yet)",
}


class WhepError(SerTrackError):
    """The server refuses the offer, or does not answer. ``code`` is that of a `JoinError`."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


class ViewerSession:
    """One session at a WHEP endpoint."""

    def __init__(self, http: ClientSession, url: str, token: str | None, timeout_s: float) -> None:
        """Each answer must come within ``timeout_s``."""
        self._http = http
        self._url = url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._timeout_s = timeout_s
        self._session: str | None = None

    async def begin(self, offer: str) -> str:
        """Post ``offer``; returns the answer. Raises WhepError."""
        headers = self._headers | {"Content-Type": _SDP, "Accept": _SDP}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.post(self._url, data=offer.encode(), headers=headers) as response,
            ):
                if response.status not in _CREATED:
                    raise _refusal(response)
                self._session = self._address(response.headers.get("Location"))
                return await _text(response)
        except TimeoutError:
            raise WhepError("unreachable", f"no answer in {self._timeout_s:.0f} s") from None
        except (ClientError, OSError) as error:
            raise WhepError("unreachable", f"the server cannot be reached ({error}); is it running?") from error

    async def end(self) -> None:
        """Say goodbye; never raises."""
        session, self._session = self._session, None
        if session is None:
            return
        with contextlib.suppress(TimeoutError, ClientError, OSError):
            async with asyncio.timeout(self._timeout_s), self._http.delete(session, headers=self._headers):
                pass

    def _address(self, location: str | None) -> str | None:
        """The session's address, if it is at the same server: requests and the token go to no other."""
        if location is None:
            log.warning("%s gives no Location: the bot cannot say goodbye there", self._url)
            return None
        address = urljoin(self._url, location)
        if urlsplit(address)[:2] != urlsplit(self._url)[:2]:
            log.warning("%s gives a session at another server, where the bot does not say goodbye", self._url)
            return None
        return address


def _refusal(response: ClientResponse) -> WhepError:
    code = _CODES.get(response.status, "refused")
    remedy = _REMEDIES.get(response.status, "")
    return WhepError(code, f"the server answers with HTTP status {response.status}{remedy}")


async def _text(response: ClientResponse) -> str:
    body = bytearray()
    async for piece in response.content.iter_chunked(_MAX_BYTES):
        body += piece
        if len(body) > _MAX_BYTES:
            raise WhepError("refused", f"its answer is over {_MAX_BYTES} bytes; is it a WHEP endpoint?")
    return body.decode(errors="replace")
