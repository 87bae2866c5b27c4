"""What the native work alone costs per participant and second: no receiver can take less than this.

Receiving (a batch per system call), SRTP, Opus at 16 kHz and one voice detector call over all streams; each measured by
itself over the packets that `bench.live` sends, on one thread. The least of several rounds counts.
"""

import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from pylibsrtp import Policy, Session

from bench.packets import room_noise, speech
from ser_track.ingest.libopus import OpusDecoder
from ser_track.ingest.udp import DatagramReader
from ser_track.models.silero import SileroVad
from ser_track.types import SAMPLE_RATE_HZ, WINDOW_SAMPLES

_ROUNDS: Final = 5
_PACKETS_PER_S: Final = 50
_STREAMS: Final = 250
_KEY: Final = bytes(range(30))


def measure_limit(core: int) -> dict[str, float]:
    """Milliseconds per participant and second of each part, and of all together."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        spoken, noise = speech(), room_noise()
        packets = spoken + [noise[n % len(noise)] for n in range(7 * len(spoken))]
        per_second = {
            "receive_ms": _PACKETS_PER_S * _least(lambda: _receive(packets[:1600])),
            "srtp_ms": _PACKETS_PER_S * _least(lambda: _unprotect(packets)),
            "opus_ms": _PACKETS_PER_S * _least(lambda: _decode(packets)),
            "vad_ms": SAMPLE_RATE_HZ / WINDOW_SAMPLES * _least(_detect),
        }
    finally:
        os.sched_setaffinity(0, before)
    in_ms = {name: round(1000 * value, 3) for name, value in per_second.items()}
    return in_ms | {"total_ms": round(sum(in_ms.values()), 2)}


def _least(one_round: Callable[[], float]) -> float:
    return min(one_round() for _ in range(_ROUNDS))


def _receive(packets: list[bytes]) -> float:
    """Seconds per packet; as many wait in a socket as do after a tick behind time."""
    reader = DatagramReader()
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


def _unprotect(packets: list[bytes]) -> float:
    sender = Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    receiver = Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))
    sent = [
        sender.protect(struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, number * 960, 7) + payload)
        for number, payload in enumerate(packets)
    ]
    begun = time.thread_time()
    for packet in sent:
        receiver.unprotect(packet)
    return (time.thread_time() - begun) / len(packets)


def _decode(packets: list[bytes]) -> float:
    decoder = OpusDecoder()
    begun = time.thread_time()
    for packet in packets:
        decoder.decode(packet)
    return (time.thread_time() - begun) / len(packets)


def _detect() -> float:
    detector = SileroVad()
    states = [detector.new_state() for _ in range(_STREAMS)]
    windows = np.random.default_rng(0).normal(0, 0.01, (_STREAMS, WINDOW_SAMPLES)).astype(np.float32)
    begun = time.thread_time()
    for _ in range(20):
        detector.detect(windows, states)
    return (time.thread_time() - begun) / (20 * _STREAMS)
