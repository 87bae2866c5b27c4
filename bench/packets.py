"""Opus packets, encoded before the measurement, so that sending costs next to nothing."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from training.opus import encoded

RATE_HZ = 48_000
FRAME_SAMPLES = 960
SPOKEN = Path(__file__).parents[1] / "tests" / "data" / "spoken.wav"


def speech() -> list[bytes]:
    """The spoken test recording as 20 ms packets."""
    with wave.open(str(SPOKEN)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    resampled = np.interp(np.arange(len(samples) * 3) / 3, np.arange(len(samples)), samples)
    return encode(resampled.astype(np.int16))


def room_noise(seconds: float = 4.0, seed: int = 0) -> list[bytes]:
    """A quiet room at -60 dBFS, without DTX: what a silent participant sends."""
    noise = np.random.default_rng(seed).normal(0, 32.8, int(seconds * RATE_HZ))
    return encode(noise.astype(np.int16))


def nothing(seconds: float = 4.0) -> list[bytes]:
    """Silence with DTX: after the beginning, packets of one or two bytes, of which WebRTC sends one in twenty."""
    return encoded(np.zeros((round(seconds * 50), 320), np.float32), 24_000, dtx=True)[50:]


def encode(samples: NDArray[np.int16], bitrate: int = 32_000, frame_ms: int = 20, **options: str) -> list[bytes]:
    """Samples [n] or [n, 2] at 48 kHz as Opus packets; ``options`` are libopus's (fec, packet_loss …)."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    layout = "mono" if samples.ndim == 1 else "stereo"
    encoder.sample_rate, encoder.bit_rate, encoder.layout, encoder.format = RATE_HZ, bitrate, layout, "s16"
    encoder.time_base = Fraction(1, RATE_HZ)
    encoder.options = {"application": "voip", "frame_duration": str(frame_ms), **options}
    packets: list[bytes] = []
    size = frame_ms * RATE_HZ // 1000
    for start in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(samples[start : start + size].reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = RATE_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets
