"""`SERTrack`: taps a `MediaStreamTrack` on its way to somebody else; `consume`: taps one that nobody else reads."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any, Final

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.frame import Frame
from av.packet import Packet

from ser_track.errors import AudioError
from ser_track.ingest.frames import FrameConverter
from ser_track.types import FloatArray

_log = logging.getLogger(__name__)
_FRAMES_IN_A_ROW: Final = 10

PushSamples = Callable[[FloatArray, int], None]
"""Takes mono samples at 16 kHz and the index of the first; must not block."""


class SERTrack(MediaStreamTrack):
    """An audio track that passes the frames of ``track`` through untouched and gives ``push`` their samples.

    Works with any codec that aiortc decodes, and with tracks that never saw a network. A frame that cannot be
    converted is passed through all the same; ``on_fault`` hears of it, or the log.
    """

    kind = "audio"

    def __init__(
        self, track: MediaStreamTrack, push: PushSamples, on_fault: Callable[[AudioError], None] | None = None
    ) -> None:
        """Wrap ``track``.

        Raises:
            AudioError: ``track`` carries no audio.
        """
        super().__init__()
        if track.kind != "audio":
            raise AudioError(f"track {track.id} carries {track.kind}; SERTrack wraps audio tracks only")
        self._track = track
        self._push = push
        self._on_fault = on_fault or self._log_fault
        self._converter = FrameConverter()
        self.frames = 0
        """Frames that came through."""
        self.faults = 0
        """Frames among them that could not be converted."""

        @track.on("ended")
        def _ended() -> None:
            self.stop()

    async def recv(self) -> "Frame | Packet[Any]":
        """The next frame of the wrapped track, unchanged.

        Raises:
            MediaStreamError: the wrapped track ended.
        """
        try:
            frame = await self._track.recv()
        except MediaStreamError:
            self._finish()
            raise
        self.frames += 1
        self._tap(frame)
        return frame

    def stop(self) -> None:
        """Stop this track and the wrapped one."""
        super().stop()
        self._track.stop()

    def _tap(self, frame: "Frame | Packet[Any]") -> None:
        try:
            if not isinstance(frame, av.AudioFrame):
                raise AudioError(f"{type(frame).__name__} instead of decoded audio; wrap the track after its decoder")
            for at, samples in self._converter.convert(frame):
                self._push(samples, at)
        except AudioError as error:
            self.faults += 1
            self._on_fault(error)

    def _log_fault(self, error: AudioError) -> None:
        # Once: a track of the wrong kind would fill the log at fifty frames a second.
        if self.faults == 1:
            _log.warning("track %s: a frame was passed through unheard: %s", self._track.id, error)

    def _finish(self) -> None:
        for at, samples in self._converter.flush():
            self._push(samples, at)


async def consume(track: MediaStreamTrack) -> None:
    """Read ``track`` to its end and drop the frames: aiortc queues without bound what nobody reads."""
    for number in itertools.count(1):
        try:
            await track.recv()
        except MediaStreamError:
            return
        # A track that always has a frame ready must not keep the event loop from everybody else.
        if number % _FRAMES_IN_A_ROW == 0:
            await asyncio.sleep(0)
