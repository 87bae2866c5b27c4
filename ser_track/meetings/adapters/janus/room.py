"""A room of Janus's VideoRoom plugin, as a `Meeting`.

The bot joins as a publisher whose only stream is a data channel, and subscribes to each other publisher separately.
https://janus.conf.meetecho.com/docs/videoroom.html; comments note what Janus 1.1.2 does beyond that.
"""

import asyncio
import logging
from typing import Any, Final

from ser_track.errors import JoinError
from ser_track.event_types import EncodedEvent, Joined, Notice
from ser_track.meetings.adapters.janus.announcer import Announcer
from ser_track.meetings.adapters.janus.client import Handle, JanusClient, JanusError, Message
from ser_track.meetings.adapters.janus.feed import Feed, wanted_streams
from ser_track.meetings.adapters.janus.results import ResultsFeed
from ser_track.meetings.adapters.janus.target import JanusTarget
from ser_track.meetings.meeting import Host, Services

log = logging.getLogger(__name__)
_CODES: Final = {0: "unreachable", 403: "unauthorized", 426: "no_room", 432: "room_full", 433: "wrong_pin"}
_REMEDIES: Final = {
    "unauthorized": "; give the right token or API secret",
    "no_room": "; correct the room, or create it on the server first",
    "room_full": "; raise its 'publishers' limit by one, for the bot",
    "wrong_pin": "; give the room's PIN",
}
_MISSING_ELEMENT: Final = 429
_REASON_S: Final = 2.0
"""Janus closes the connection of a person who is kicked, and reports it on the WebSocket; either may come first."""


class JanusRoom:
    """See `Meeting`."""

    def __init__(self, target: JanusTarget, host: Host, services: Services) -> None:
        self._where = target.where
        self._target = target
        self._host = host
        self._services = services
        self._timeout_s = services.config.meetings.step_timeout_s
        self._room: int | str = target.room if target.string_ids or not target.room.isdecimal() else int(target.room)
        self._client: JanusClient | None = None
        self._handle: Handle | None = None
        self._results: ResultsFeed | None = None
        self._announcer: Announcer | None = None
        self._own_id: Any = None
        self._feeds: dict[Any, Feed] = {}
        self._closing: dict[Any, asyncio.Task[None]] = {}
        self._over: JoinError | None = None
        self._ended = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """See `Meeting`."""
        self._over = None
        self._ended.clear()
        step = "connect to Janus"
        try:
            self._client = client = await JanusClient.open(
                self._services.http.session, self._target.url, self._secrets(), self._timeout_s
            )
            step = "attach to its VideoRoom plugin"
            self._handle = handle = await client.attach(self._take)
            step = "join the room"
            room, _ = await handle.request(self._join_request())
            self._own_id = room.get("id")
            # Report these people now, not once all is ready: Janus already reports anyone who leaves meanwhile.
            for person in (*room.get("attendees", []), *room.get("publishers", [])):
                self._arrived(person)
            step = "publish the feed with the results"
            self._results = ResultsFeed(self._services.config.runtime, self._services.metrics)
            await self._results.publish(handle, self._timeout_s)
        except JanusError as error:
            await self.close()
            code = self._code(error)
            raise JoinError(self._where, step, f"{error}{_REMEDIES.get(code, '')}", code) from error
        except BaseException:
            await self.close()
            raise
        self._announcer = Announcer(self._results.put, self._host.present)

    async def wait(self) -> str:
        """See `Meeting`."""
        assert self._client is not None
        assert self._results is not None
        closed, lost = self._client.closed, self._results.lost
        over = asyncio.create_task(self._ended.wait())
        told: list[asyncio.Future[Any]] = [closed, over]
        try:
            await asyncio.wait([*told, lost], return_when=asyncio.FIRST_COMPLETED)
            if not any(end.done() for end in told):
                await asyncio.wait(told, timeout=_REASON_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if self._over is not None:
            raise self._over
        return closed.result() if closed.done() else lost.result()

    def put(self, event: EncodedEvent) -> None:
        """See `Meeting`. Messages on the feed reach everyone who has subscribed, however late."""
        if isinstance(event.event, Notice | Joined) and self._announcer is not None:
            self._announcer.somebody_came()
        # The announcer repeats the notice to everybody; one with a code is sent once.
        if self._results is not None and (not isinstance(event.event, Notice) or event.event.code is not None):
            self._results.put(event)

    async def close(self) -> None:
        """See `Meeting`. Continues if the caller is cancelled; other callers wait for the same end."""
        if self._ending is None or self._ending.done():
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        announcer, self._announcer = self._announcer, None
        if announcer is not None:
            await announcer.close()
        for publisher in tuple(self._feeds):
            self._drop(publisher)
        if self._closing:
            await asyncio.wait(set(self._closing.values()), timeout=self._timeout_s)
        results, self._results = self._results, None
        client, self._client = self._client, None
        handle, self._handle = self._handle, None
        if results is not None:
            await results.flush()
            await results.close()
        if client is not None:
            # Janus answers "destroy" before it removes the bot from the room, and "leave" afterwards.
            await client.close(answers=handle is None or await handle.leave())

    def _secrets(self) -> dict[str, str]:
        given = {"token": self._target.token, "apisecret": self._target.api_secret}
        return {key: value for key, value in given.items() if value is not None}

    def _in_room(self) -> Message:
        """The part of a request that names the room."""
        return {"room": self._room} | ({} if self._target.pin is None else {"pin": self._target.pin})

    def _join_request(self) -> Message:
        display = self._services.config.meetings.display_name
        return {"request": "join", "ptype": "publisher", "display": display, **self._in_room()}

    def _take(self, message: Message) -> None:
        """Handle an unsolicited message of Janus on the bot's handle."""
        if self._ending is not None and not self._ending.done():
            return  # the bot is leaving; `connect` gets the whole list again
        data = message.get("plugindata", {}).get("data", {})
        if message["janus"] == "detached":
            self._finish("kicked", "Janus detached the bot from the room")
        elif data.get("videoroom") == "destroyed":
            self._finish("destroyed", "the room was destroyed")
        elif data.get("leaving") == "ok":
            self._finish("kicked", f"the bot was kicked ({data.get('reason', 'no reason given')})")
        elif data.get("videoroom") == "event":
            self._room_event(data)

    def _room_event(self, data: Message) -> None:
        for person in (*([data["joining"]] if "joining" in data else []), *data.get("publishers", [])):
            self._arrived(person)
        if (gone := data.get("unpublished")) is not None:
            self._drop(gone)
            self._host.publishing(str(gone), publishes=False)
        if (gone := data.get("leaving", data.get("kicked"))) is not None:
            self._drop(gone)
            self._host.left(str(gone), "kicked" if "kicked" in data else "left")
        if "display" in data and "id" in data:
            self._host.renamed(str(data["id"]), data["display"] or "")
        feed = self._feeds.get(data.get("id"))
        if "moderation" in data and feed is not None and data.get("mid") == feed.audio_mid:
            feed.attendee.muted = data["moderation"] == "muted"

    def _arrived(self, person: Message) -> None:
        """Somebody is there; if there are ``streams``, they publish."""
        number = person["id"]
        if number == self._own_id:
            return
        mid, streams = wanted_streams(person)
        attendee = self._host.joined(str(number), person.get("display") or "", publishes=mid is not None)
        if attendee is None:
            return
        self._host.publishing(str(number), mid is not None)
        known = self._feeds.get(number)
        if not streams or (known is not None and known.streams == streams):
            return
        self._drop(number)
        assert self._client is not None
        attendee.muted = any(stream.get("moderated") for stream in person["streams"] if stream["mid"] == mid)
        services, after = self._services, self._closing.get(number)
        self._feeds[number] = Feed(self._client, self._in_room(), person, attendee, self._host, services, after)

    def _drop(self, publisher: Any) -> None:
        if (feed := self._feeds.pop(publisher, None)) is not None:
            task = self._closing[publisher] = asyncio.create_task(feed.close())
            task.add_done_callback(lambda done: self._closed(publisher, done))

    def _closed(self, publisher: Any, task: "asyncio.Task[None]") -> None:
        if self._closing.get(publisher) is task:
            del self._closing[publisher]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: a subscription failed while it ended", self._where, exc_info=error)

    def _finish(self, code: str, reason: str) -> None:
        if self._over is None:
            self._over = JoinError(self._where, "stay", reason, code)
            self._ended.set()

    def _code(self, error: JanusError) -> str:
        # Without a PIN, Janus misses an element of the request; every other element that it needs is always there.
        if error.code == _MISSING_ELEMENT and self._target.pin is None:
            return "wrong_pin"
        return _CODES.get(error.code, "refused")
