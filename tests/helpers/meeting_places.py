"""One meeting of each kind, with people in it who do what a test says: the same words for every kind."""

from typing import Any, Protocol

import numpy as np
from aiortc import MediaStreamTrack

from tests.helpers.hall_server import HALL, HallServer
from tests.helpers.janus_person import JanusPerson
from tests.helpers.janus_server import ROOM, JanusServer
from tests.helpers.mediajson_bridge import Bridge, opus_packets
from tests.helpers.peer import Peer, RecordingTrack
from tests.helpers.signals import read_wav
from tests.helpers.track_sender import TrackSender
from tests.helpers.whep_server import WhepServer
from tests.helpers.whip_sender import WhipSender
from tests.paths import SPOKEN
from tests.web.conftest import Running

REFUSAL = '{"type": "opt_out"}'


class Place(Protocol):
    """A meeting that the bot is in. People are called by their seats: what the meeting itself knows them by."""

    where: str
    """As `/meetings` lists it."""
    names_are_seats: bool
    """Whether people have no other name."""

    async def open(self) -> None:
        """Have the bot in the meeting."""
        ...

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        """Somebody comes, and says the recording."""
        ...

    async def go_on(self, seat: str) -> None:
        """They say more."""
        ...

    async def refuse(self, seat: str) -> None:
        """They refuse, in the way that this kind has."""
        ...

    async def leave(self, seat: str) -> None:
        """They go."""
        ...

    async def notice_at(self, seat: str) -> dict[str, Any]:
        """The notice that reached them."""
        ...

    async def close(self) -> None:
        """Everybody goes."""
        ...


def _voice(speaks: bool) -> MediaStreamTrack:
    return RecordingTrack(SPOKEN, seconds=None if speaks else 0)


class RoomPlace:
    """A room of the server. Somebody looks on, so that it lasts."""

    where = "room contract"
    names_are_seats = False

    def __init__(self, server: Running, _: None) -> None:
        self._server = server
        self._people: dict[str, Peer] = {}

    async def open(self) -> None:
        self._people["onlooker"] = peer = Peer(self._server.http, self._server.url)
        await peer.join("contract", "Onlooker", None, consent=False)

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        self._people[seat] = peer = Peer(self._server.http, self._server.url)
        await peer.join("contract", name, _voice(speaks))

    async def go_on(self, seat: str) -> None:
        """The recording lasts long enough."""

    async def refuse(self, seat: str) -> None:
        await self._people[seat].wait_for("notice")
        self._people[seat].channel.send(REFUSAL)

    async def leave(self, seat: str) -> None:
        await self._people.pop(seat).close()

    async def notice_at(self, seat: str) -> dict[str, Any]:
        return await self._people[seat].wait_for("notice")

    async def close(self) -> None:
        for seat in tuple(self._people):
            await self.leave(seat)


class BridgePlace:
    """A conference that a bridge sends."""

    where = "mediajson session contract"
    names_are_seats = True

    def __init__(self, server: Running, _: None) -> None:
        self._server = server
        self._bridge = Bridge(server.http, server.url, "contract")
        self._words = opus_packets(SPOKEN)
        self._open = False

    async def open(self) -> None:
        await self._bridge.__aenter__()
        self._open = True

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        await self._bridge.start(seat)
        if speaks:
            await self.go_on(seat)

    async def go_on(self, seat: str) -> None:
        await self._bridge.speak(seat, self._words)

    async def refuse(self, seat: str) -> None:
        notice = (await self._bridge.meeting())["notice_url"]
        async with self._server.http.get(f"{notice}/participants") as response:
            people = {one["name"]: one["participant"] for one in (await response.json())["participants"]}
        body = {"participant": people[seat], "analysed": False}
        async with self._server.http.post(f"{notice}/answer", json=body) as response:
            assert response.status == 200

    async def leave(self, seat: str) -> None:
        await self._bridge.stop(seat)

    async def notice_at(self, seat: str) -> dict[str, Any]:
        told = await self._bridge.wait_for(type="transcription-result", participant={"id": seat})
        notice: dict[str, Any] = told["ser_track"]
        return notice

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._bridge.__aexit__()


class JanusPlace:
    """A room of Debian's Janus."""

    names_are_seats = False

    def __init__(self, server: Running, janus: JanusServer) -> None:
        self.where = f"janus {janus.url} room {ROOM}"
        self._server, self._janus = server, janus
        self._people: dict[str, JanusPerson] = {}

    async def open(self) -> None:
        await _send(self._server, {"server": "janus", "url": self._janus.url, "room": ROOM})

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        self._people[seat] = person = JanusPerson(self._server.http, self._janus.url, name)
        await person.join()
        await person.publish(_voice(speaks), data=True)

    async def go_on(self, seat: str) -> None:
        """The recording lasts long enough."""

    async def refuse(self, seat: str) -> None:
        channel = self._people[seat].channel
        assert channel is not None
        channel.send(REFUSAL)

    async def leave(self, seat: str) -> None:
        await self._people.pop(seat).close()

    async def notice_at(self, seat: str) -> dict[str, Any]:
        await self._people[seat].listen_to_bots()
        return await self._people[seat].wait_for("notice")

    async def close(self) -> None:
        for seat in tuple(self._people):
            await self.leave(seat)


class WhipPlace:
    """A meeting that WHIP senders publish to. Somebody publishes silence, so that it begins, and lasts."""

    where = "whip contract"
    names_are_seats = False

    def __init__(self, server: Running, _: None) -> None:
        self._server = server
        self._people: dict[str, WhipSender] = {}

    async def open(self) -> None:
        await self.enter("onlooker", "Onlooker", speaks=False)

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        sender = WhipSender(self._server.http, self._server.url, "contract")
        self._people[seat] = await sender.publish(_voice(speaks), name)

    async def go_on(self, seat: str) -> None:
        """The recording lasts long enough."""

    async def refuse(self, seat: str) -> None:
        assert await self._people[seat].answer(analysed=False) == 200

    async def leave(self, seat: str) -> None:
        assert await self._people.pop(seat).close() in (200, 404)

    async def notice_at(self, seat: str) -> dict[str, Any]:
        return await self._people[seat].page()

    async def close(self) -> None:
        for seat in tuple(self._people):
            await self.leave(seat)


class WhepPlace:
    """A stream of our own WHEP server: the one person in it is there from the start."""

    names_are_seats = False

    def __init__(self, server: Running, media: WhepServer) -> None:
        self.where = f"whep {media.url}"
        self._server, self._media = server, media

    async def open(self) -> None:
        await _send(self._server, {"server": "whep", "url": self._media.url, "name": "Ann"})

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        self._media.speak()

    async def close(self) -> None:
        """The server goes with its fixture."""


class TracksPlace:
    """Tracks of one sender, who gives each that is free to the next person."""

    where = "tracks contract"
    names_are_seats = False

    def __init__(self, server: Running, _: None) -> None:
        self._server = server
        self._sender = TrackSender(server.http, server.url, "contract")
        self._free = ["0", "1", "2"]
        self._mids: dict[str, str] = {}

    async def open(self) -> None:
        await self._sender.begin(*[None] * len(self._free))

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        mid = self._mids[seat] = self._free.pop(0)
        self._sender.say(mid=mid, id=seat, name=name)
        self._sender.sender(mid).replaceTrack(_voice(speaks))

    async def go_on(self, seat: str) -> None:
        """The recording lasts long enough."""

    async def refuse(self, seat: str) -> None:
        person = await self._sender.person(id=seat)
        page, _, _ = person["own_url"].partition("?")
        body = {"participant": person["participant"], "analysed": False}
        async with self._server.http.post(f"{page}/answer", json=body) as response:
            assert response.status == 200

    async def leave(self, seat: str) -> None:
        mid = self._mids.pop(seat)
        self._sender.say(type="gone", id=seat)
        self._sender.sender(mid).replaceTrack(None)
        self._free.insert(0, mid)

    async def notice_at(self, seat: str) -> dict[str, Any]:
        return await self._sender.event("notice")

    async def close(self) -> None:
        await self._sender.close()


class HallPlace:
    """A hall of the example package."""

    names_are_seats = False

    def __init__(self, server: Running, halls: HallServer) -> None:
        self.where = f"example {halls.url} hall {HALL}"
        self._server, self._halls = server, halls
        self._words = np.pad(read_wav(SPOKEN), (0, 16_000))

    async def open(self) -> None:
        await _send(self._server, {"server": "example", "url": self._halls.url, "hall": HALL})

    async def enter(self, seat: str, name: str, *, speaks: bool = True) -> None:
        self._halls.enter(seat, name)
        if speaks:
            await self.go_on(seat)

    async def go_on(self, seat: str) -> None:
        self._halls.say(seat, self._words)

    async def refuse(self, seat: str) -> None:
        self._halls.answer(seat, analysed=False)

    async def leave(self, seat: str) -> None:
        self._halls.leave(seat)

    async def notice_at(self, seat: str) -> dict[str, Any]:
        return await self._halls.wait_for("notice", to=seat)

    async def close(self) -> None:
        """The server goes with its fixture."""


async def _send(server: Running, asked: dict[str, Any]) -> None:
    async with server.http.post(f"{server.url}/meetings", json=asked) as response:
        assert response.status == 201, await response.text()


PLACES: dict[str, Any] = {
    "rooms": RoomPlace,
    "mediajson": BridgePlace,
    "whip": WhipPlace,
    "whep": WhepPlace,
    "janus": JanusPlace,
    "tracks": TracksPlace,
    "example": HallPlace,
}
