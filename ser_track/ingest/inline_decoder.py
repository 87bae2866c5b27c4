"""Decodes a remote audio track on the event loop, instead of in the thread that aiortc starts for each track.

Each packet through that thread wakes it, and wakes the loop again to bring the frame back: measured with `bench.live`,
a third of the receiver's CPU. The decoder is aiortc's own, and the frames arrive where they always do, in `recv()`.

aiortc has no public way to do this. The private names used are all in this module; where one is missing, the thread
stays in place and the log says so. `tests/ingest/test_inline_decoder.py` fails when aiortc changes under us.
"""

import asyncio
import logging
import queue
from collections.abc import Callable
from typing import Any, Final

import av
from aiortc import RTCRtpReceiver
from aiortc.codecs import get_decoder

from ser_track.errors import AudioError

log = logging.getLogger(__name__)
_FAULTS_PER_REPORT: Final = 500
_QUEUE: Final = "_RTCRtpReceiver__decoder_queue"


def decode_inline(receiver: RTCRtpReceiver, on_fault: Callable[[AudioError], None]) -> bool:
    """Let ``receiver``, which has not begun to receive, decode on the event loop; false if this aiortc cannot.

    ``on_fault`` hears of the first packet that cannot be decoded, and of each 500th.
    """
    frames = getattr(receiver.track, "_queue", None)
    if not isinstance(frames, asyncio.Queue) or not isinstance(getattr(receiver, _QUEUE, None), queue.Queue):
        log.warning("this aiortc keeps its decoder elsewhere: each track decodes in a thread of its own, at more cost")
        return False
    setattr(receiver, _QUEUE, _DecodingQueue(frames, on_fault))
    return True


class _DecodingQueue(queue.Queue[Any]):
    """Stands where the thread's queue was: what is put in is decoded at once; the thread only waits for its end."""

    def __init__(self, frames: "asyncio.Queue[Any]", on_fault: Callable[[AudioError], None]) -> None:
        super().__init__()
        self._frames = frames
        self._on_fault = on_fault
        self._codec_name = ""
        self._failed = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is None:
            super().put(item, block, timeout)
            return
        codec, encoded = item
        if not encoded.data:
            # Padding and keep-alives are legal; to the decoder, no data means the end of the stream, for good.
            return
        if codec.name != self._codec_name:
            self._decoder, self._codec_name = get_decoder(codec), codec.name
        try:
            for frame in self._decoder.decode(encoded):
                self._frames.put_nowait(frame)
        except av.FFmpegError as error:
            self._failed += 1
            if self._failed % _FAULTS_PER_REPORT == 1:
                self._on_fault(AudioError(f"{self._failed} packet(s) could not be decoded, and are gaps ({error})"))
