"""One publisher of a VideoRoom, received over its own receive-only peer connection."""

import asyncio
import logging
import time

from ser_track.errors import BadRequestError
from ser_track.meetings.adapters.janus.client import Handle, JanusClient, JanusError, Message
from ser_track.meetings.analysis_peer import AnalysisPeer
from ser_track.meetings.attendee import Attendee
from ser_track.meetings.meeting import Host, Services
from ser_track.meetings.peer_owner import AnsweringOwner
from ser_track.meetings.retry import Backoff

log = logging.getLogger(__name__)
DATA_CHANNEL = "JanusDataChannel"
_PATIENCE = 3
_SETTLED_S = 35.0
"""A subscription that lasted longer than the connection timeout counts as a success."""


class Feed(AnsweringOwner):
    """Subscribes to a publisher's audio and data channels, and subscribes again when the connection fails.

    Each publisher has a connection of its own: on a shared one, when Janus reuses an m-line for somebody else, aiortc
    would attribute the new person's audio to the previous one.
    """

    def __init__(
        self,
        client: JanusClient,
        room: Message,
        publisher: Message,
        attendee: Attendee,
        host: Host,
        services: Services,
        after: "asyncio.Task[None] | None" = None,
    ) -> None:
        """``room`` is what a request must contain to name the room; ``publisher`` is Janus's description of the person.

        The description has ``id`` and ``streams``. The subscription begins when ``after`` is done.
        """
        super().__init__(attendee, host.answered)
        self.audio_mid, self.streams = wanted_streams(publisher)
        self._client = client
        self._room = room
        self._services = services
        self._peer: AnalysisPeer | None = None
        self._handle: Handle | None = None
        self._after = after
        self._failures, self._backoff = 0, Backoff()
        self._why = ""
        self._lost = asyncio.Event()
        self._task = asyncio.create_task(self._stay_subscribed())

    async def close(self) -> None:
        """End the subscription, on both sides."""
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            await self.attendee.end_sending()
        finally:
            await self._hang_up()

    def channel_opened(self) -> None:
        """See `PeerOwner`. Janus forwards nothing that a subscriber sends; results go out on the bot's own feed."""

    def connection_lost(self, reason: str) -> None:
        """See `PeerOwner`."""
        log.warning("the connection for '%s' is lost (%s); subscribing again", self.attendee.name, reason)
        self._why = reason
        self._lost.set()

    async def _stay_subscribed(self) -> None:
        if self._after is not None:
            await asyncio.wait([self._after])
        while not self._client.closed.done():
            self._lost.clear()
            begun = time.monotonic()
            try:
                await self._subscribe()
                await self._lost.wait()
                error = f"the connection did not last ({self._why})"
            except (JanusError, BadRequestError) as refused:
                error = str(refused)
            except Exception as failed:  # only this person's subscription is affected
                log.exception("a subscription failed")
                error = repr(failed)
            await self.attendee.end_sending()
            await self._hang_up()
            if time.monotonic() - begun > _SETTLED_S:
                self._backoff, self._failures = Backoff(), 0
            self._failed(error)
            await asyncio.sleep(self._backoff.next_s())

    def _failed(self, error: str) -> None:
        """Report an error that persists: right after the announcement, a publisher may not be connected yet."""
        self._failures += 1
        log.info("no subscription to '%s' (attempt %d): %s", self.attendee.name, self._failures, error)
        if self._failures == _PATIENCE:
            text = f"subscribing to their audio fails ({error}); the bot keeps trying"
            self.attendee.fault("connection_failed", text)

    async def _subscribe(self) -> None:
        self._handle = await self._client.attach(self._event)
        request = {"request": "join", "ptype": "subscriber", **self._room, "streams": self.streams}
        _, offer = await self._handle.request(request)
        channel = DATA_CHANNEL if any(wanted["mid"] != self.audio_mid for wanted in self.streams) else None
        services = self._services
        peer = AnalysisPeer(services.config.runtime, services.metrics, self, services.audio, channel)
        answer = await peer.answer(offer.get("sdp", ""))
        self._peer = peer
        if self.audio_mid is not None:
            self.attendee.begin_sending(peer)
        await self._handle.request({"request": "start"}, {"type": "answer", "sdp": answer})

    async def _hang_up(self) -> None:
        peer, self._peer = self._peer, None
        handle, self._handle = self._handle, None
        if handle is not None:
            await handle.detach()
        if peer is not None:
            await peer.close()

    def _event(self, message: Message) -> None:
        if message["janus"] in ("hangup", "detached"):
            self._why = f"Janus: {message['janus']}"
            self._lost.set()


def wanted_streams(publisher: Message) -> tuple[str | None, list[Message]]:
    """The mid of the first audio stream, if any, and the publisher's streams to subscribe to.

    The streams are the first with audio and all with data, never video.
    """
    streams = [stream for stream in publisher.get("streams", []) if not stream.get("disabled")]
    audio = [stream["mid"] for stream in streams if stream["type"] == "audio"][:1]
    data = [stream["mid"] for stream in streams if stream["type"] == "data"]
    return next(iter(audio), None), [{"feed": publisher["id"], "mid": mid} for mid in (*audio, *data)]
