"""What callers send, what of it even an ideal receiver must decode, and how many results are due."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from bench.caller import Caller, Sending
from bench.packets import DTX_BYTES, DTX_EVERY, FULLBAND, SILENCE_TURNS, SPOKEN, Packet, turn
from ser_track.chunk import SAMPLE_RATE_HZ, WINDOW_SAMPLES, FloatArray
from ser_track.config.schema import PipelineConfig
from ser_track.models.silero import SileroVad

_PACKET_SAMPLES: Final = SAMPLE_RATE_HZ // 50
_STEPS: Final = 50


@dataclass(frozen=True)
class Demand:
    """The packets of one case. A stream is a run of packets of one participant, of 50 each."""

    sent: Sequence[Sequence[Packet]]
    """One stream per participant."""
    sent_share: float
    """Packets for each packet time: below 1 with DTX."""
    decoded: Sequence[Sequence[Packet]]
    """One stream for each participant of whom something must be decoded at the same time."""
    decoded_share: float
    """Share of all packet times, over all participants, whose packet must be decoded."""
    levels: bool = False
    """Whether headers carry audio levels."""


def demand_of(callers: Sequence[Caller], sending: Sending) -> Demand:
    """What the callers send. They begin at different places of the same turn, so each moment is like the whole turn.

    If headers do not say how loud a packet is, all sound must be decoded. If they do, an ideal receiver knows without
    decoding who is silent, and decodes only what is voiced: fewer packets cannot give the same results.
    """
    encoding = callers[0].encoding or FULLBAND
    whole = turn(encoding, sending.dtx)
    spoken = whole[: len(whole) // (1 + SILENCE_TURNS)]
    sent = [[whole[(caller.position + n) % len(whole)] for n in range(_STEPS)] for caller in callers]
    dtx = sum(len(packet.payload) <= DTX_BYTES for packet in whole) / len(whole)
    sent_share = 1 - dtx + dtx / DTX_EVERY
    if not (sending.levels or sending.dtx):
        return Demand(sent, sent_share, sent, 1.0)
    heard = [packet for packet, voiced in zip(spoken, voiced_packets(), strict=True) if voiced or not sending.levels]
    speakers = max(1, round(len(callers) / (1 + SILENCE_TURNS)))
    starts = [index * len(heard) // speakers for index in range(speakers)]
    decoded = [[heard[(start + n) % len(heard)] for n in range(_STEPS)] for start in starts]
    return Demand(sent, sent_share, decoded, len(heard) / len(whole), sending.levels)


def recording() -> FloatArray:
    """The spoken test recording at 16 kHz, without any loss from encoding."""
    with wave.open(str(SPOKEN)) as spoken:
        assert spoken.getframerate() == SAMPLE_RATE_HZ
        samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16)
        return samples.astype(np.float32) / np.float32(32_768)


@cache
def voiced_packets() -> tuple[bool, ...]:
    """For each packet of the recording, whether any part of it is in a window that the detector finds voiced."""
    samples, detector = recording(), SileroVad()
    windows = samples[: len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, 1, WINDOW_SAMPLES)
    states = [detector.new_state()]
    least = PipelineConfig().vad_min_confidence
    voiced = np.array([detector.detect(window, states)[0] >= least for window in windows] + [False])
    starts = np.arange(len(samples) // _PACKET_SAMPLES) * _PACKET_SAMPLES
    first, last = starts // WINDOW_SAMPLES, (starts + _PACKET_SAMPLES - 1) // WINDOW_SAMPLES
    return tuple(bool(each) for each in voiced[first] | voiced[np.minimum(last, len(voiced) - 1)])
