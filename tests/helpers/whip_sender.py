"""A WHIP sender for tests, made with aiortc: it publishes a track, answers the notice with its own link, and leaves."""

import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from aiohttp import ClientResponse, ClientSession
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from ser_track.output.data_channel import read_message

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
_CANDIDATES = re.compile(r"^a=(candidate:.*|end-of-candidates)\r\n", re.MULTILINE)


class WhipSender:
    """One session at ``/whip/{meeting}``."""

    def __init__(self, http: ClientSession, url: str, meeting: str, **headers: str) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.endpoint = f"{url}/whip/{quote(meeting, safe='')}"
        self.headers = headers
        self.events: list[dict[str, Any]] = []
        """What came on the data channel, if there is one."""
        self.session = ""
        """The session's URL."""
        self.etag = ""
        self.offer = ""
        """With all candidates, whatever was sent."""
        self.notice_url: str | None = None
        """The own link."""
        self.channel: RTCDataChannel | None = None
        self._http = http

    async def publish(
        self, track: MediaStreamTrack, name: str, *, channel: bool = False, change: Callable[[str], str] = str
    ) -> Self:
        """Begin the session; ``change`` is done to the offer before it is posted."""
        self.connection.addTrack(track)
        if channel:
            self.channel = self.connection.createDataChannel("events")
            self.channel.on("message", lambda text: self.events.extend(read_message(text)))
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.offer = self.connection.localDescription.sdp
        async with self.post(change(self.offer), name=name) as response:
            answer = await response.text()
            assert response.status == 201, answer
            assert response.content_type == SDP
            self.session = urljoin(self.endpoint, response.headers["Location"])
            self.etag = response.headers["ETag"]
            self.notice_url = own_link(response)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return self

    def post(self, offer: str, content_type: str = SDP, **query: str) -> Any:
        """``POST`` the offer; to be used with ``async with``."""
        headers = {"Content-Type": content_type, **self.headers}
        return self._http.post(self.endpoint, data=offer, headers=headers, params=query)

    def patch(self, fragment: str, etag: str | None, content_type: str = FRAGMENT) -> Any:
        """``PATCH`` a fragment; to be used with ``async with``."""
        headers = {"Content-Type": content_type, **self.headers} | ({} if etag is None else {"If-Match": etag})
        return self._http.patch(self.session, data=fragment, headers=headers)

    async def answer(self, analysed: bool) -> int:
        """Agree or refuse at the own link, as its page does; returns the status."""
        assert self.notice_url is not None
        page, key = self.notice_url.partition("?")[0], parse_qs(urlsplit(self.notice_url).query)["me"][0]
        person = (await self.page())["me"]
        body = {"participant": person, "analysed": analysed, "key": key}
        async with self._http.post(f"{page}/answer", json=body) as response:
            return response.status

    async def page(self) -> dict[str, Any]:
        """What the page at the own link shows."""
        assert self.notice_url is not None
        page, _, query = self.notice_url.partition("?")
        async with self._http.get(f"{page}/participants?{query}") as response:
            shown: dict[str, Any] = await response.json()
        return shown

    async def close(self) -> int:
        """End the session; returns the status."""
        async with self._http.delete(self.session, headers=self.headers) as response:
            status = response.status
        await self.connection.close()
        return status


def own_link(response: ClientResponse) -> str | None:
    """The own link in the headers of an answer."""
    links = (re.fullmatch(r'<(.*)>; rel="(.*)"', each) for each in response.headers.getall("Link", []))
    return next((link[1] for link in links if link is not None and link[2].endswith("docs/meetings.md#whip")), None)


def without_candidates(offer: str) -> str:
    """``offer`` as senders give it that wait for candidates, or never send any."""
    return _CANDIDATES.sub("", offer)


def fragment_of(offer: str) -> str:
    """The candidates of ``offer``, and what a fragment must have besides (RFC 8840)."""
    kept = re.findall(r"^(?:m=|a=(?:ice-ufrag|ice-pwd|mid|candidate):).*\r\n", offer, re.MULTILINE)
    return "".join(kept)
