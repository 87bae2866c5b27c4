"""The cost of the native work alone per participant and second: every receiver needs at least this much.

The native work is receiving (a batch per system call), SRTP, Opus at 16 kHz and one voice detector call over all
streams. Each is measured alone, on one thread, over the packets that `bench.live` sends, with an SRTP session and a
decoder for each participant: as in a call, their state (18 kB per decoder) does not stay in the processor's cache
from one packet to the next. The minimum of several rounds counts.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from pylibsrtp import Policy, Session

from ser_track.aiortc_internals.udp_batches import DatagramReader
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from ser_track.models.silero import SileroVad
from ser_track.rtp.opus import OpusDecoder

_ROUNDS: Final = 5
_STEPS: Final = 40
"""Packets of each participant in a round."""
_PACKETS_PER_S: Final = 50
_KEY: Final = bytes(range(30))


def measure_limit(core: int, streams: Sequence[Sequence[bytes]]) -> dict[str, float]:
    """Milliseconds per participant and second of each part, and in total; each stream has one participant's packets."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    steps = [[packets[step] for packets in streams] for step in range(_STEPS)]
    try:
        per_second = {
            "receive_ms": _PACKETS_PER_S * _least(lambda: _receive(steps)),
            "srtp_ms": _PACKETS_PER_S * _least(lambda: _unprotect(steps)),
            "opus_ms": _PACKETS_PER_S * _least(lambda: _decode(steps)),
            "vad_ms": SAMPLE_RATE_HZ / WINDOW_SAMPLES * _least(lambda: _detect(len(streams))),
        }
    finally:
        os.sched_setaffinity(0, before)
    in_ms = {name: round(1000 * value, 3) for name, value in per_second.items()}
    return in_ms | {"total_ms": round(sum(in_ms.values()), 2)}


def _least(one_round: Callable[[], float]) -> float:
    return min(one_round() for _ in range(_ROUNDS))


def _receive(steps: list[list[bytes]]) -> float:
    """Seconds per packet, from one socket, which always has a full batch."""
    reader = DatagramReader()
    packets = [packet for step in steps for packet in step][:1600]
    inner, batch = 0.0, reader.batch
    with socket.socket(type=socket.SOCK_DGRAM) as ours, socket.socket(type=socket.SOCK_DGRAM) as theirs:
        ours.bind(("127.0.0.1", 0))
        theirs.connect(ours.getsockname())
        for start in range(0, len(packets), batch):
            for packet in packets[start : start + batch]:
                theirs.send(packet)
            begun = time.thread_time()
            reader.read(ours.fileno(), 0.0, 0.0)
            inner += time.thread_time() - begun
    return inner / len(packets)


def _unprotect(steps: list[list[bytes]]) -> float:
    """Seconds per packet, with a session for each stream, in turns."""
    senders = [Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND)) for _ in steps[0]]
    receivers = [Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_INBOUND)) for _ in steps[0]]
    sent = [
        (receiver, sender.protect(struct.pack("!BBHII", 0x80, 96, number, number * 960, 7) + payload))
        for number, step in enumerate(steps)
        for sender, receiver, payload in zip(senders, receivers, step, strict=True)
    ]
    begun = time.thread_time()
    for receiver, packet in sent:
        receiver.unprotect(packet)
    return (time.thread_time() - begun) / len(sent)


def _decode(steps: list[list[bytes]]) -> float:
    """Seconds per packet, with a decoder for each stream, in turns."""
    decoders = [OpusDecoder() for _ in steps[0]]
    begun = time.thread_time()
    for step in steps:
        for decoder, packet in zip(decoders, step, strict=True):
            decoder.decode(packet)
    return (time.thread_time() - begun) / (len(steps) * len(decoders))


def _detect(streams: int) -> float:
    """Seconds per window, all streams in one call."""
    detector = SileroVad()
    states = [detector.new_state() for _ in range(streams)]
    windows = np.random.default_rng(0).normal(0, 0.01, (streams, WINDOW_SAMPLES)).astype(np.float32)
    begun = time.thread_time()
    for _ in range(20):
        detector.detect(windows, states)
    return (time.thread_time() - begun) / (20 * streams)
