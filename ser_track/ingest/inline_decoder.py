"""Decodes a remote audio track on the event loop, instead of in the thread that aiortc starts for each track.

Each packet through that thread wakes it, and wakes the loop again to bring the frame back: measured with `bench.live`,
a third of the receiver's CPU. The decoder is aiortc's own, and the frames arrive where they always do, in `recv()`.

aiortc has no public way to do this. The private names used are all in this module; where one is missing, the thread
stays in place and the log says so. `tests/ingest/test_inline_decoder.py` fails when aiortc changes under us.
"""

import asyncio
import logging
import queue
from typing import Any, Final

import av
from aiortc import RTCRtpReceiver
from aiortc.codecs import get_decoder

log = logging.getLogger(__name__)
_QUEUE: Final = "_RTCRtpReceiver__decoder_queue"


def decode_inline(receiver: RTCRtpReceiver) -> bool:
    """Let ``receiver``, which has not begun to receive, decode on the event loop; false if this aiortc cannot."""
    frames = getattr(receiver.track, "_queue", None)
    if not isinstance(frames, asyncio.Queue) or not isinstance(getattr(receiver, _QUEUE, None), queue.Queue):
        log.warning("this aiortc keeps its decoder elsewhere: each track decodes in a thread of its own, at more cost")
        return False
    setattr(receiver, _QUEUE, _DecodingQueue(frames))
    return True


class _DecodingQueue(queue.Queue[Any]):
    """Stands where the thread's queue was: what is put in is decoded at once; the thread only waits for its end."""

    def __init__(self, frames: "asyncio.Queue[Any]") -> None:
        super().__init__()
        self._frames = frames
        self._codec_name = ""
        self._failed = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            super().put(item, block, timeout)
            return
        codec, encoded = item
        if codec.name != self._codec_name:
            self._decoder, self._codec_name = get_decoder(codec), codec.name
        try:
            decoded = self._decoder.decode(encoded)
        except av.FFmpegError as error:
            self._failed += 1
            if self._failed == 1:
                log.warning("a packet could not be decoded, and is a gap now (told once a track): %s", error)
            return
        for frame in decoded:
            self._frames.put_nowait(frame)
