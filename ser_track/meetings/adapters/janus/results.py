"""The bot's own feed in a VideoRoom: no audio, no video, one data channel with the events."""

import asyncio
import contextlib

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from ser_track.aiortc_internals.candidates import limit_candidates
from ser_track.config.schema import RuntimeConfig
from ser_track.event_types import EncodedEvent
from ser_track.live.metrics import Metrics
from ser_track.meetings.adapters.janus.client import Handle, JanusError
from ser_track.meetings.adapters.janus.feed import DATA_CHANNEL
from ser_track.output.data_channel import DataChannelSink

_CLOSE_S = 10.0
_FLUSH_S = 1.0


class ResultsFeed:
    """Anyone in the room can subscribe to it."""

    def __init__(self, config: RuntimeConfig, metrics: Metrics) -> None:
        servers = [RTCIceServer(**server.described()) for server in config.ice_servers]
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the connection ended, once it has ended."""
        self._excluded = config.excluded_networks
        self._connected = asyncio.Event()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        channel = self._connection.createDataChannel(DATA_CHANNEL)
        self._sink = DataChannelSink(channel, config, metrics.messages.inc, metrics.undelivered.inc)
        self._sending: asyncio.Task[None] | None = None
        self._connection.on("connectionstatechange", self._state_changed)

    async def publish(self, handle: Handle, timeout_s: float) -> None:
        """Publish the feed; returns once it is connected. Raises JanusError."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        offer = {"type": "offer", "sdp": self._connection.localDescription.sdp}
        _, answer = await handle.request({"request": "publish"}, offer)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer.get("sdp", ""), "answer"))
            limit_candidates(self._connection, self._excluded)
        except Exception as error:  # aiortc raises whatever its parsers raise
            raise JanusError(0, f"Janus's answer for the data channel cannot be used ({error!r})") from error
        self._sending = asyncio.create_task(self._sink.run())
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            reason = f"no connection was established in {timeout_s:.0f} s; allow UDP, or configure a relay"
            raise JanusError(0, reason) from None

    def put(self, line: EncodedEvent) -> None:
        """Send an event to everyone who has subscribed."""
        self._sink.put(line)

    async def flush(self) -> None:
        """Wait briefly until the last events are sent; returns early if the connection is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await self._sink.flushed()

    async def close(self) -> None:
        """Hang up; never raises."""
        if not self.lost.done():
            self.lost.set_result("we left")
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
        if state in ("failed", "closed") and not self.lost.done():
            self.lost.set_result(f"the connection for the results {state}")
