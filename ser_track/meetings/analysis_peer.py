"""The silent peer: one receive-only connection per participant, audio in, events out on its data channel."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)

from ser_track.aiortc_internals.candidates import add_candidates, limit_candidates
from ser_track.aiortc_internals.offers import read_offer
from ser_track.aiortc_internals.packets import take_packets
from ser_track.aiortc_internals.red import accept_red
from ser_track.aiortc_internals.reports import report_less_often
from ser_track.aiortc_internals.sdp import ask_for_speech, audio_level_id, mid_id
from ser_track.aiortc_internals.shared_socket import shared
from ser_track.aiortc_internals.socket import MediaSocket, take_socket
from ser_track.aiortc_internals.turn_probe import used_relay, why_no_relay
from ser_track.audio.track import SERTrack, consume
from ser_track.config.schema import IceServer, RuntimeConfig
from ser_track.errors import AudioError, BadRequestError, MeetingError, brief
from ser_track.event_types import EncodedEvent, StreamKey
from ser_track.live.media_sockets import AudioHost
from ser_track.live.metrics import Metrics
from ser_track.meetings.peer_owner import PeerOwner
from ser_track.output.data_channel import DataChannelSink
from ser_track.rtp import opus
from ser_track.rtp.track_routes import TrackRoutes
from ser_track.shortages import shortage_behind, shortage_of_sockets

log = logging.getLogger(__name__)
_CONNECT_TIMEOUT_S = 30.0
_MAX_UNREAD_BYTES = 1 << 20
_CLOSE_TIMEOUT_S = 3.0
"""aioice asks a TURN server that is gone for a minute to release its address; the bot leaves all meetings in 4 s."""


class AnalysisPeer:
    """Our end of the connection to one participant. It sends no media; video and further audio are refused."""

    def __init__(
        self,
        config: RuntimeConfig,
        metrics: Metrics,
        owner: PeerOwner,
        audio: AudioHost,
        channel_label: str | None = None,
        *,
        routes: TrackRoutes | None = None,
        max_message: int | None = None,
    ) -> None:
        """``channel_label`` names a data channel that we create, for servers that expect this (Janus).

        With ``routes``, the one audio section that aiortc knows carries the tracks of many people. Messages longer than
        ``max_message`` characters (``runtime.message_bytes``) are ignored.
        """
        servers = [RTCIceServer(**server.described()) for server in config.ice_servers]
        # An empty list, not None: by default aiortc uses a public STUN server.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._config = config
        self._metrics = metrics
        self._owner = owner
        self._channel_label = channel_label
        self._routes = routes
        self._max_message = max_message or config.message_bytes
        self._channel: RTCDataChannel | None = None
        self._audio = audio
        self._receiver: RTCRtpReceiver | None = None
        self._media: MediaSocket | None = None
        self._heard_as: tuple[StreamKey | None, float] = None, 0.0
        self._packets_before = 0
        self._sink: DataChannelSink | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tapped: SERTrack | None = None
        self._closed = False
        self._lacks_relay = False
        self._connection.on("track", self._take_track)
        self._connection.on("datachannel", self._take_channel)
        self._connection.on("connectionstatechange", self._state_changed)

    async def answer(self, sdp: str) -> str:
        """Our answer to the offer ``sdp``; it contains all our candidates.

        Raises:
            BadRequestError: the offer cannot be answered.
            OverloadedError: the system has no socket left for the connection.
        """
        try:
            offer = read_offer(sdp)
            await self._describe(offer.text)
        except (asyncio.CancelledError, BadRequestError):
            await self.close()
            raise
        except Exception as error:  # aiortc raises whatever its parsers raise
            await self.close()
            raise _why_unanswered(error) from error
        await self._check_sockets()
        self._spawn(self._watch_connecting())
        description = self._connection.localDescription.sdp
        relay = used_relay(self._config.ice_servers)
        if relay is not None and " typ relay" not in description:
            self._lacks_relay = True
            self._spawn(_say_why_no_relay(relay))
        return offer.complete(ask_for_speech(description))

    async def _describe(self, offer: str) -> None:
        """Let aiortc read the offer and gather our candidates. It raises whatever its parsers raise."""
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if dropped := limit_candidates(self._connection, self._config.excluded_networks):
            log.info("%d addresses in an offer are not tried: they are excluded, unusable or too many", dropped)
        self._refuse_all_but_one_voice(offer)
        if self._channel_label is not None:
            self._connection.createDataChannel(self._channel_label).on("message", self._take_message)
        await self._connection.setLocalDescription(await self._connection.createAnswer())

    async def _check_sockets(self) -> None:
        # aioice just leaves out each address at which it can open no socket.
        if "a=candidate:" not in self._connection.localDescription.sdp and (shortage := shortage_of_sockets()):
            await self.close()
            raise shortage

    async def add_candidates(self, lines: Iterable[str]) -> None:
        """Try further addresses of the participant; ``lines`` are values of ``a=candidate``. Raises ValueError."""
        await add_candidates(self._connection, lines, self._config.excluded_networks)

    def put(self, event: EncodedEvent) -> None:
        """Send an event to this participant; before their channel is open, the event is lost."""
        if self._sink is not None:
            self._sink.put(event)

    def send(self, text: str) -> None:
        """Send a message beside the events; before their channel is open, or if they do not read, it is lost."""
        channel = self._channel
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < _MAX_UNREAD_BYTES:
            channel.send(text)

    async def flushed(self) -> None:
        """Return once everything that was put is on the network, or the channel is closed."""
        if self._sink is not None:
            await self._sink.flushed()

    def hear_as(self, key: StreamKey | None) -> None:
        """Assign the packets to ``key`` from now on; None: discard them without analysis."""
        self._heard_as = key, time.monotonic()
        if self._media is not None:
            self._media.hear_as(*self._heard_as)

    def took_packets(self) -> bool:
        """Whether packets came through the socket, past the event loop, since the last call."""
        before, self._packets_before = self._packets_before, 0 if self._media is None else self._media.packets
        return self._packets_before > before

    async def close(self) -> None:
        """Close the connection, and end all its tasks."""
        self._closed = True
        if self._media is not None:
            self._audio.detach(self._media)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._connection.close()
        except TimeoutError:  # callers that wait for this to end must not wait for aiortc
            log.exception("a connection did not close in %.0f s and was abandoned", _CLOSE_TIMEOUT_S)

    def _take_track(self, track: MediaStreamTrack) -> None:
        # No other track gets any audio: its section is answered as inactive.
        if track.kind == "audio" and self._tapped is None:
            receiver = next(each for each in self._connection.getReceivers() if each.track is track)
            learn = None if self._routes is None else self._routes.learn
            if opus.available() and take_packets(receiver, self._owner.packet, learn):
                self._receiver = receiver
                report_less_often(receiver)
            self._metrics.tracks.labels(received_by="aiortc" if self._receiver is None else "packets").inc()
            self._tapped = SERTrack(track, self._owner.heard, self._report)
            self._spawn(consume(self._tapped, self._metrics.frames.inc))

    def _refuse_all_but_one_voice(self, offer: str) -> None:
        for transceiver in self._connection.getTransceivers():
            if self._tapped is None or transceiver.receiver.track is not self._tapped.source:
                transceiver.direction = "inactive"
            elif self._receiver is not None:
                accept_red(transceiver, offer)

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if self._sink is not None:
            channel.close()
            return
        self._channel = channel
        self._sink = DataChannelSink(channel, self._config, self._metrics.messages.inc, self._metrics.undelivered.inc)
        channel.on("message", self._take_message)
        self._spawn(self._sink.run())
        self._owner.channel_opened()

    def _take_message(self, message: str | bytes) -> None:
        if isinstance(message, str) and len(message) <= self._max_message:
            self._owner.channel_message(message)

    def _report(self, error: AudioError) -> None:
        self._owner.fault("audio_unusable", str(error))

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._lacks_relay = False  # if the connection ends now, that is not the reason
            self._owner.connected()
        if state == "connected" and self._receiver is not None and self._media is None and not self._closed:
            self._take_socket(self._receiver)
        if state in ("failed", "closed"):
            self._lose(f"the connection {state}")

    def _take_socket(self, receiver: RTCRtpReceiver) -> None:
        agreed = self._connection.localDescription.sdp
        make = None if self._routes is None else shared(self._routes, mid_id(agreed))
        self._media = take_socket(receiver, audio_level_id(agreed), make)
        if self._media is not None:
            self._media.hear_as(*self._heard_as)
            self._metrics.tracks.labels(received_by="socket").inc()
            self._audio.attach(self._media)

    async def _watch_connecting(self) -> None:
        await asyncio.sleep(_CONNECT_TIMEOUT_S)
        if self._connection.connectionState != "connected":
            self._lose(f"no connection was established in {_CONNECT_TIMEOUT_S:.0f} s")

    def _lose(self, reason: str) -> None:
        if not self._closed:
            self._closed = True
            self._owner.connection_lost(f"{reason}, and there was no relay" if self._lacks_relay else reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of an analysis peer failed", exc_info=error)
            self._owner.fault("connection_failed", f"the analysis connection failed ({error!r}); connect again")


def _why_unanswered(error: Exception) -> MeetingError:
    """The refusal of an offer: the client's fault, unless the system had nothing left to answer it with."""
    said = f"the offer cannot be answered ({brief(error)}); send what createOffer() gives"
    return shortage_behind(error) or BadRequestError(said)


async def _say_why_no_relay(relay: IceServer) -> None:
    reason = await why_no_relay(relay)
    log.warning(
        "no relayed address from %s: %s. Clients that need a relay cannot connect to this server", relay.urls, reason
    )
