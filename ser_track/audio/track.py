"""`SERTrack` taps a `MediaStreamTrack` that another consumer reads; `consume` reads a track that nobody else reads."""

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

from ser_track.audio.frames import FrameConverter
from ser_track.chunk import Chunk
from ser_track.errors import AudioError

_log = logging.getLogger(__name__)
_FRAMES_IN_A_ROW: Final = 10
_FAULTS_PER_REPORT: Final = 500

PushChunk = Callable[[Chunk], None]
"""Takes mono samples at 16 kHz with their media time; must not block."""


class SERTrack(MediaStreamTrack):
    """An audio track that passes the frames of ``track`` through untouched and gives ``push`` their samples in chunks.

    >>> async def main():
    ...     pipeline, player = SERPipeline(), MediaPlayer("call.wav")  # of aiortc.contrib.media
    ...     track = SERTrack(player.audio, lambda chunk: pipeline.consume(chunk.samples))
    ...     for _ in range(3):
    ...         frame = await track.recv()  # give `track` to a peer connection, and it does this
    ...     track.stop()
    ...     return track.frames
    >>> asyncio.run(main())
    3

    Works with any codec that aiortc decodes, and with local tracks. A frame that cannot be converted is still passed
    through. The first such frame and every 500th are reported to ``on_fault``, or logged without it.
    """

    kind = "audio"

    def __init__(
        self, track: MediaStreamTrack, push: PushChunk, on_fault: Callable[[AudioError], None] | None = None
    ) -> None:
        """Wrap ``track``.

        Raises:
            AudioError: ``track`` carries no audio.
        """
        super().__init__()
        if track.kind != "audio":
            raise AudioError(f"track {track.id} carries {track.kind}; SERTrack wraps audio tracks only")
        self.source = track
        """The wrapped track."""
        self._push = push
        self._on_fault = on_fault or self._log_fault
        self._converter = FrameConverter()
        self.frames = 0
        """Frames that passed through."""
        self.faults = 0
        """Of these frames, the number that could not be converted."""

        @track.on("ended")
        def _ended() -> None:
            self.stop()

    async def recv(self) -> "Frame | Packet[Any]":
        """The next frame of the wrapped track, unchanged.

        Raises:
            MediaStreamError: the wrapped track ended.
        """
        if self.readyState != "live":
            raise MediaStreamError
        try:
            frame = await self.source.recv()
        except MediaStreamError:
            self._tap(None)
            raise
        self.frames += 1
        self._tap(frame)
        return frame

    def stop(self) -> None:
        """Stop this track and the wrapped one."""
        super().stop()
        self.source.stop()

    def _tap(self, frame: "Frame | Packet[Any] | None") -> None:
        """Give ``push`` the samples that ``frame`` completes, or the remaining ones at the end of the track."""
        try:
            if frame is not None and not isinstance(frame, av.AudioFrame):
                raise AudioError(f"{type(frame).__name__} instead of decoded audio; wrap the track after its decoder")
            for chunk in self._converter.flush() if frame is None else self._converter.convert(frame):
                self._push(chunk)
        except Exception as error:  # a bad frame must still reach the downstream reader
            self.faults += 1
            # Not each time: a track of the wrong kind would report fifty frames a second.
            if self.faults % _FAULTS_PER_REPORT == 1:
                told = error if isinstance(error, AudioError) else AudioError(f"a frame is unusable: {error!r}")
                self._on_fault(told)

    def _log_fault(self, error: AudioError) -> None:
        _log.warning("track %s: a frame was passed through without analysis: %s", self.source.id, error)


async def consume(track: MediaStreamTrack, on_frame: Callable[[], None] = lambda: None) -> None:
    """Read ``track`` to its end and drop the frames: aiortc queues unread frames without limit.

    ``on_frame`` is called for each.
    """
    for number in itertools.count(1):
        try:
            await track.recv()
        except MediaStreamError:
            return
        on_frame()
        # A track that always has a frame ready must not block the event loop for everybody else.
        if number % _FRAMES_IN_A_ROW == 0:
            await asyncio.sleep(0)
