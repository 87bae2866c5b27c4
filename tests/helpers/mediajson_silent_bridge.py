"""A bridge that brings people into a meeting over ``/mediajson``: the easiest meeting that is not our own room."""

from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse


class Bridge:
    """One WebSocket of a session; people come and go on it, and say nothing."""

    def __init__(self, http: ClientSession, url: str, socket: ClientWebSocketResponse) -> None:
        self._http = http
        self._url = url
        self._socket = socket
        self.notice_url = ""

    @classmethod
    async def connect(cls, http: ClientSession, url: str, session: str = "talk") -> "Bridge":
        """Begin the session, or take part in it; ``url`` is the server's."""
        socket = await http.ws_connect(f"{url}/mediajson", params={"sessionId": session})
        bridge = cls(http, url, socket)
        bridge.notice_url = (await bridge._described(session))["notice_url"]
        return bridge

    async def start(self, name: str, endpoint: str | None = None) -> None:
        """Somebody comes; returns once the bot has told them the notice."""
        custom = {"endpointId": endpoint or name}
        media = {"encoding": "opus", "sampleRate": 48_000, "channels": 1}
        await self._send("start", {"tag": name, "mediaFormat": media, "customParameters": custom})
        told = await self._socket.receive_json(timeout=10)
        assert told["ser_track"]["type"] == "notice", told

    async def stop(self, name: str) -> None:
        """They leave."""
        await self._send("stop", {"tag": name})

    async def shown_code(self, participant: str) -> str:
        """The code that the bot shows in the meeting to somebody who wants to agree for ``participant``."""
        told = await self._socket.receive_json(timeout=10)
        notice: dict[str, str] = told["ser_track"]
        assert (notice["type"], notice["participant"]) == ("notice", participant), told
        assert notice["code"] in told["transcript"][0]["text"], "people read it there"
        return notice["code"]

    async def people(self) -> dict[str, dict[str, Any]]:
        """Who is there, by name, as the page of the notice learns it."""
        async with self._http.get(f"{self.notice_url}/participants") as response:
            return {person["name"]: person for person in (await response.json())["participants"]}

    async def close(self) -> None:
        await self._socket.close()

    async def _send(self, event: str, body: dict[str, Any]) -> None:
        await self._socket.send_json({"event": event, "sequenceNumber": "1", event: body})

    async def _described(self, session: str) -> dict[str, Any]:
        async with self._http.get(f"{self._url}/meetings") as response:
            meetings = (await response.json())["meetings"]
        found: dict[str, Any] = next(each for each in meetings if each["where"] == f"mediajson session {session}")
        return found
