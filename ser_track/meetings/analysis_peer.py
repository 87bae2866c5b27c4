"""The silent peer: one receive-only connection per participant, audio in, events out on its data channel."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)

from ser_track.config import RuntimeConfig
from ser_track.errors import AudioError, BadRequestError
from ser_track.ingest import libopus
from ser_track.ingest.aiortc_packets import take_packets
from ser_track.ingest.track import SERTrack, consume
from ser_track.meetings.sdp import ask_for_correction
from ser_track.runtime.metrics import Metrics
from ser_track.sinks.data_channel import DataChannelSink
from ser_track.sinks.encode import EventLine
from ser_track.types import FloatArray

log = logging.getLogger(__name__)
_CONNECT_TIMEOUT_S = 30.0


class PeerOwner(Protocol):
    """Whoever the connection belongs to; called on the event loop."""

    def packet(self, ssrc: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """An RTP packet with Opus."""
        ...

    def heard(self, samples: FloatArray, at: int) -> None:
        """Samples at 16 kHz, the first at index ``at`` of the track: of any other codec."""
        ...

    def fault(self, code: str, message: str) -> None:
        """Audio of this participant could not be used."""
        ...

    def channel_opened(self) -> None:
        """Events can be received from now on."""
        ...

    def channel_message(self, text: str) -> None:
        """The participant said something on the data channel."""
        ...

    def connection_lost(self, reason: str) -> None:
        """The connection is gone, and it was not us who closed it."""
        ...


class AnalysisPeer:
    """Our end of the connection to one participant. It sends no media; video and further audio are refused."""

    def __init__(self, config: RuntimeConfig, metrics: Metrics, owner: PeerOwner) -> None:
        servers = [RTCIceServer(**server.described()) for server in config.ice_servers]
        # An empty list, not None: by default aiortc asks a public STUN server.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._config = config
        self._metrics = metrics
        self._owner = owner
        self._sink: DataChannelSink | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tapped: SERTrack | None = None
        self._closed = False
        self._connection.on("track", self._take_track)
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self, sdp: str) -> str:
        """Our answer to the offer ``sdp``, which passed `check_offer`, with all candidates in it.

        Raises:
            BadRequestError: the offer cannot be answered.
        """
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._refuse_all_but_one_voice()
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except asyncio.CancelledError:
            await self.close()
            raise
        except Exception as error:  # aiortc raises whatever its parsers raise
            await self.close()
            raise BadRequestError(f"the offer cannot be answered ({error!r}); send what createOffer() gives") from error
        self._spawn(self._watch_connecting())
        return ask_for_correction(self._connection.localDescription.sdp)

    def put(self, line: EventLine) -> None:
        """Send an event to this participant; before their channel is there it is lost to them."""
        if self._sink is not None:
            self._sink.put(line)

    def expect_final(self) -> None:
        """See `EventBatch.expect_final`."""
        if self._sink is not None:
            self._sink.expect_final()

    async def close(self) -> None:
        """Leave the connection and end every task of it."""
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()

    def _take_track(self, track: MediaStreamTrack) -> None:
        # Of any other track nothing will come: its section is answered inactive.
        if track.kind == "audio" and self._tapped is None:
            receiver = next(each for each in self._connection.getReceivers() if each.track is track)
            if libopus.available():
                take_packets(receiver, self._owner.packet)
            self._tapped = SERTrack(track, self._owner.heard, self._report)
            self._spawn(consume(self._tapped, self._metrics.frames.inc))

    def _refuse_all_but_one_voice(self) -> None:
        for transceiver in self._connection.getTransceivers():
            if self._tapped is None or transceiver.receiver.track is not self._tapped.source:
                transceiver.direction = "inactive"

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if self._sink is not None:
            channel.close()
            return
        self._sink = DataChannelSink(channel, self._config, self._metrics.messages.inc, self._metrics.undelivered.inc)
        channel.on("message", self._take_message)
        self._spawn(self._sink.run())
        self._owner.channel_opened()

    def _take_message(self, message: str | bytes) -> None:
        if isinstance(message, str) and len(message) <= self._config.message_bytes:
            self._owner.channel_message(message)

    def _report(self, error: AudioError) -> None:
        self._owner.fault("audio_unusable", str(error))

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state in ("failed", "closed"):
            self._lose(f"the connection {state}")

    async def _watch_connecting(self) -> None:
        await asyncio.sleep(_CONNECT_TIMEOUT_S)
        if self._connection.connectionState != "connected":
            self._lose(f"no connection came about in {_CONNECT_TIMEOUT_S:.0f} s")

    def _lose(self, reason: str) -> None:
        if not self._closed:
            self._closed = True
            self._owner.connection_lost(reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of an analysis peer failed", exc_info=error)
            self._owner.fault("connection_failed", f"the analysis connection failed ({error!r}); connect again")
