"""What a Janus says to its administrator of those who publish in its rooms."""

from typing import Any

from aiohttp import ClientSession

from tests.helpers.janus_server import ADMIN_OF_ALL, JanusServer


async def subscribers(http: ClientSession, janus: JanusServer, name: str) -> dict[str, int]:
    """How many subscribe to each kind of stream that the publisher called ``name`` has."""
    async with http.ws_connect(janus.admin_url, protocols=["janus-admin-protocol"]) as socket:

        async def ask(request: str, **about: int) -> dict[str, Any]:
            body = {"janus": request, "transaction": request, "admin_secret": ADMIN_OF_ALL, **about}
            await socket.send_json(body)
            answer: dict[str, Any] = await socket.receive_json(timeout=10)
            assert answer["janus"] == "success", answer
            return answer

        for session in (await ask("list_sessions"))["sessions"]:
            for handle in (await ask("list_handles", session_id=session))["handles"]:
                info = (await ask("handle_info", session_id=session, handle_id=handle))["info"]["plugin_specific"]
                if (info["type"], info.get("display")) == ("publisher", name):
                    return {stream["type"]: stream["subscribers"] for stream in info["streams"]}
    raise AssertionError(f"nobody publishes as {name}")
