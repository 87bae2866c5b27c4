"""Signals made in code, ways to cut them, and one way to read a file."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np

from ser_track.audio.frames import FrameConverter
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray


def tone(hz: float, seconds: float, rate_hz: int = SAMPLE_RATE_HZ, peak: float = 0.5) -> FloatArray:
    """A sine, ``[n]``."""
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def noise(samples: int, seed: int = 0, peak: float = 0.5) -> FloatArray:
    """White noise, the same for the same seed, ``[samples]``."""
    return np.random.default_rng(seed).uniform(-peak, peak, samples).astype(np.float32)


def talk(*seconds: float, seed: int = 0) -> FloatArray:
    """Loud noise and silence by turns, loud first: speech to an `EnergyDetector`."""
    turns = [noise(round(s * SAMPLE_RATE_HZ), seed + i) * (i % 2 == 0) for i, s in enumerate(seconds)]
    return np.concatenate(turns).astype(np.float32)


def cut(samples: FloatArray, sizes: Sequence[int]) -> list[FloatArray]:
    """``samples`` in pieces of ``sizes``, over and over."""
    pieces, at = list[FloatArray](), 0
    while at < len(samples):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(samples[at : at + size])
        at += size
    return pieces


def joined(pieces: Iterable[FloatArray]) -> FloatArray:
    """The pieces in one array, also where there are none."""
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def level_db(samples: FloatArray) -> float:
    """RMS level relative to a full-scale sine."""
    return float(20 * np.log10(np.sqrt(2 * np.mean(samples.astype(np.float64) ** 2))))


def read_wav(path: Path) -> FloatArray:
    """A file as mono at 16 kHz."""
    converter = FrameConverter()
    with av.open(str(path)) as container:
        pieces = [samples for frame in container.decode(audio=0) for _, samples in converter.convert(frame)]
    return joined([*pieces, *(samples for _, samples in converter.flush())])
