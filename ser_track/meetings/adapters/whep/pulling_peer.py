"""The silent peer where we make the offer: it asks for one audio track, and for nothing else."""

from aiortc import RTCSessionDescription

from ser_track.aiortc_internals.candidates import limit_candidates
from ser_track.aiortc_internals.sdp import ask_for_speech
from ser_track.errors import BadRequestError, brief
from ser_track.meetings.analysis_peer import AnalysisPeer


class PullingPeer(AnalysisPeer):
    """See `AnalysisPeer`; call `offer` and then `accept` in place of `answer`."""

    async def offer(self) -> str:
        """Our offer; it contains all our candidates. Raises OverloadedError."""
        self._connection.addTransceiver("audio", direction="recvonly")
        await self._connection.setLocalDescription(await self._connection.createOffer())
        await self._check_sockets()
        return ask_for_speech(self._connection.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        """Connect as the answer ``sdp`` says. Raises BadRequestError: it cannot be used, or has no audio."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        except Exception as error:  # aiortc raises whatever its parsers raise
            raise BadRequestError(f"the server's SDP answer cannot be used ({brief(error)})") from error
        limit_candidates(self._connection, self._config.excluded_networks)
        if self._tapped is None:
            raise BadRequestError("the stream has no audio")
        self._spawn(self._watch_connecting())
