"""Opus as a call uses it: encoded at a bit rate, some packets lost, the gaps concealed by the decoder itself.

PyAV's codecs know neither loss nor concealment, so libopus is called directly: the copy inside PyAV's wheel,
else the system's. RFC 6716; functions and request numbers: libopus's public headers (opus.h, opus_defines.h).
"""

import ctypes
import functools
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.rtp import opus

FRAME_SAMPLES: Final = 320  # 20 ms
_VOIP: Final = 2048
_SET_BITRATE, _SET_DTX, _GET_LOOKAHEAD = 4002, 4016, 4027
_LARGEST_PACKET: Final = 4000


@functools.cache
def _library() -> ctypes.CDLL:
    found = opus.library()
    if found is None:
        raise SystemExit(
            "libopus was not found: PyAV's wheel brings it on Linux, elsewhere install it (Debian: libopus0)"
        )
    found.opus_encoder_create.restype = ctypes.c_void_p
    return found


def encoded(frames: FloatArray, bit_rate: int, dtx: bool) -> list[bytes]:
    """One packet for each row of frames [n, 320]; in silence, DTX makes them two bytes or less: those are not sent."""
    library = _library()
    encoder = ctypes.c_void_p(library.opus_encoder_create(SAMPLE_RATE_HZ, 1, _VOIP, None))
    library.opus_encoder_ctl(encoder, _SET_BITRATE, ctypes.c_int32(bit_rate))
    library.opus_encoder_ctl(encoder, _SET_DTX, ctypes.c_int32(dtx))
    buffer = ctypes.create_string_buffer(_LARGEST_PACKET)
    packets = []
    for frame in frames:
        size = library.opus_encode_float(
            encoder, frame.ctypes.data_as(ctypes.c_void_p), FRAME_SAMPLES, buffer, _LARGEST_PACKET
        )
        if size < 0:
            raise SystemExit(f"libopus refused a frame (error {size})")
        packets.append(buffer.raw[:size])
    library.opus_encoder_destroy(encoder)
    return packets


def _decoded(packets: list[bytes | None]) -> FloatArray:
    decoder = opus.OpusDecoder()
    heard = [decoder.decode(packet) if packet else decoder.conceal(FRAME_SAMPLES) for packet in packets]
    return np.concatenate(heard)


def through_opus(
    samples: FloatArray, bit_rate: int = 16_000, loss: float = 0.0, dtx: bool = False, seed: int = 0
) -> FloatArray:
    """[n] → [n] after libopus in voice mode at 16 kHz; a share `loss` of the packets never arrives (seeded).

    Lost packets, and those that DTX did not send (of two bytes or less), are concealed by the decoder.
    """
    n_frames = -(-samples.size // FRAME_SAMPLES) + 1
    frames = np.zeros((n_frames, FRAME_SAMPLES), np.float32)
    frames.reshape(-1)[: samples.size] = samples
    packets = encoded(frames, bit_rate, dtx)
    arrives = np.random.default_rng(seed).random(n_frames) >= loss
    heard = [packet if here and len(packet) > 2 else None for packet, here in zip(packets, arrives, strict=True)]
    delay = SAMPLE_RATE_HZ * 65 // 10_000  # libopus's look-ahead in voice mode: 6.5 ms
    return _decoded(heard)[delay : delay + samples.size]
