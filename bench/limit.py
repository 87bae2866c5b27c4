"""The cost of the native work alone per participant and second: every receiver needs at least this much.

The native work is receiving (a batch per system call), SRTP, Opus at 16 kHz, one voice detector call over all streams,
and the emotion model's network. Each is measured alone, on one thread, over the packets that `bench.live` sends, with
an SRTP session and a decoder for each participant: as in a call, their state (18 kB per decoder) does not stay in the
processor's cache from one visit to the next. A visit is six packets, because a receiver may leave what people send for
that long (``runtime.quiet_interval_s``). The minimum of several rounds counts.

All packets are received and decrypted. Opus and the voice detector count for what must be decoded (`bench.demand`).
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from pylibsrtp import Policy, Session

from bench.answer import header_extensions, level_octet
from bench.demand import Demand
from bench.model_cost import measure_model
from bench.packets import Packet
from ser_track.aiortc_internals.srtp import SharedSession
from ser_track.aiortc_internals.udp_batches import DatagramReader
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from ser_track.models.silero import SileroVad
from ser_track.rtp.opus import OpusDecoder

_ROUNDS: Final = 5
_STEPS: Final = 48
"""Packets of each participant in a round."""
_VISIT: Final = 6
"""Packets of one participant that are handled one after the other: 120 ms."""
_PACKETS_PER_S: Final = 50
_KEY: Final = bytes(range(30))
_Steps = list[list[Packet]]
"""The packets of all participants, by packet time."""


def measure_limit(core: int, demand: Demand, model: str) -> dict[str, float]:
    """Milliseconds per participant and second of each part, and in total; ``model`` is the configured classifier."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    sent, decoded = _steps(demand.sent), _steps(demand.decoded)
    packets_per_s, decoded_per_s = _PACKETS_PER_S * demand.sent_share, _PACKETS_PER_S * demand.decoded_share
    windows_per_s = SAMPLE_RATE_HZ / WINDOW_SAMPLES * demand.decoded_share
    try:
        per_second = {
            "receive_ms": packets_per_s * _least(lambda: _receive(sent, demand.levels)),
            "srtp_ms": packets_per_s * _least(lambda: _unprotect(sent, demand.levels)),
            "opus_ms": decoded_per_s * _least(lambda: _decode(decoded)),
            "vad_ms": windows_per_s * _least(lambda: _detect(len(demand.decoded))),
        }
        results_per_s, model_s = measure_model(model)
    finally:
        os.sched_setaffinity(0, before)
    in_ms = {name: round(1000 * value, 3) for name, value in per_second.items()}
    model_ms = round(1000 * results_per_s * model_s, 3)
    return in_ms | {
        "model_ms": model_ms,
        "total_ms": round(sum(in_ms.values()) + model_ms, 2),
        "total_without_model_ms": round(sum(in_ms.values()), 2),
        "decoded_share": round(demand.decoded_share, 4),
        "results_due_per_participant_s": round(results_per_s, 4),
        "ms_per_result": round(1000 * model_s, 3),
    }


def _steps(streams: Sequence[Sequence[Packet]]) -> _Steps:
    return [[packets[step] for packets in streams] for step in range(_STEPS)]


def _least(one_round: Callable[[], float]) -> float:
    return min(one_round() for _ in range(_ROUNDS))


def _rtp(number: int, packet: Packet, levels: bool) -> bytes:
    extension = header_extensions("0", 1, 2)[level_octet(packet)] if levels else b""
    first = 0x90 if levels else 0x80
    return struct.pack("!BBHII", first, 96, number, number * 960, 7) + extension + packet.payload


def _receive(steps: _Steps, levels: bool) -> float:
    """Seconds per packet, from one socket, which always has a full batch."""
    reader = DatagramReader()
    packets = [_rtp(0, packet, levels) for step in steps for packet in step][:1600]
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


def _unprotect(steps: _Steps, levels: bool) -> float:
    """Seconds per packet, with a session for each stream, in turns, without pylibsrtp's own checks."""
    senders = [Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND)) for _ in steps[0]]
    receivers = [SharedSession(Session(Policy(key=_KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))).decrypt for _ in steps[0]]
    sent = [
        (receivers[stream], senders[stream].protect(_rtp(number, packet, levels)))
        for stream, number, packet in _in_visits(steps)
    ]
    begun = time.thread_time()
    opened = [decrypt(protected) for decrypt, protected in sent]
    spent_s = time.thread_time() - begun
    assert None not in opened, "a packet was not decrypted, so its time is not that of decryption"
    return spent_s / len(sent)


def _decode(steps: _Steps) -> float:
    """Seconds per packet, with a decoder for each stream, in turns."""
    decoders = [OpusDecoder() for _ in steps[0]]
    due = [(decoders[stream], packet.payload) for stream, _, packet in _in_visits(steps)]
    begun = time.thread_time()
    for decoder, payload in due:
        decoder.decode(payload)
    return (time.thread_time() - begun) / len(due)


def _in_visits(steps: _Steps) -> Iterator[tuple[int, int, Packet]]:
    """Stream, packet time and packet, in the order of a receiver that visits each stream in turn."""
    for first in range(0, len(steps), _VISIT):
        for stream in range(len(steps[0])):
            for number in range(first, min(first + _VISIT, len(steps))):
                yield stream, number, steps[number][stream]


def _detect(streams: int) -> float:
    """Seconds per window, all streams in one call."""
    detector = SileroVad()
    states = [detector.new_state() for _ in range(streams)]
    windows = np.random.default_rng(0).normal(0, 0.01, (streams, WINDOW_SAMPLES)).astype(np.float32)
    begun = time.thread_time()
    for _ in range(20):
        detector.detect(windows, states)
    return (time.thread_time() - begun) / (20 * streams)
