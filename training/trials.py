"""What the shipped models are tried on beside clean clips: calls of every kind, and sounds that are no speech."""

import zlib
from collections.abc import Callable
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from training.conditions import (
    band,
    clipped,
    coloured_noise,
    in_room,
    rounded,
    suppressed,
    with_noise,
)
from training.corpora import read_audio, read_clips, read_sounds
from training.opus import through_opus
from training.splits import read_splits
from training.vad import trim

HELD_OUT_FOLD: Final = (5,)
Trial = Callable[[FloatArray, np.random.Generator], FloatArray]
_STRETCH: Final = 3 * SAMPLE_RATE_HZ


def seeded(path: str) -> np.random.Generator:
    """The same draws for a clip in every run."""
    return np.random.default_rng(zlib.crc32(path.encode()) ^ 5)


def _opus(bit_rate: int, loss: float = 0.0, dtx: bool = False) -> Trial:
    return lambda x, rng: trim(through_opus(x, bit_rate, loss, dtx, seed=int(rng.integers(2**31))))


def _noisy(snr_db: float) -> Trial:
    return lambda x, rng: trim(with_noise(x, coloured_noise(x.size, rng, 1.0), snr_db))


def _sounds(snr_db: float) -> Trial:
    paths = read_sounds(HELD_OUT_FOLD)
    return lambda x, rng: trim(with_noise(x, read_audio(str(rng.choice(paths))), snr_db))


def _room(rt60_s: float, direct_db: float) -> Trial:
    return lambda x, rng: trim(in_room(x, rng, rt60_s, direct_db))


def _beginning(shortest_s: float, longest_s: float) -> Trial:
    def first(x: FloatArray, rng: np.random.Generator) -> FloatArray:
        return trim(x)[: int(rng.uniform(shortest_s, longest_s) * SAMPLE_RATE_HZ)]

    return first


TRIALS: Final[dict[str, Trial]] = {
    "cut by the voice detector": lambda x, rng: trim(x),
    "whole file": lambda x, rng: x,
    "its first 0.5 to 1 s": _beginning(0.5, 1.0),
    "its first 1 to 2 s": _beginning(1.0, 2.0),
    **{f"Opus {rate} kb/s": _opus(1000 * rate) for rate in (6, 8, 12, 16, 24, 32, 64)},
    **{f"Opus 16 kb/s, {loss} % loss": _opus(16_000, loss / 100) for loss in (2, 5, 10)},
    "Opus 16 kb/s, DTX": _opus(16_000, dtx=True),
    **{f"pink noise, {snr} dB": _noisy(snr) for snr in (20, 15, 10, 5, 0)},
    "held-out ESC-10 sounds, 10 dB": _sounds(10),
    "room, 0.3 s": _room(0.3, 3),
    "room, 0.8 s": _room(0.8, 3),
    "far microphone (room 0.6 s, direct sound 3 dB under it)": _room(0.6, -3),
    "clipped (2 % of the samples)": lambda x, rng: trim(clipped(x, 0.02)),
    "20 dB softer, 16 bits": lambda x, rng: trim(rounded(x, -20)),
    "20 dB louder, 16 bits": lambda x, rng: trim(rounded(x, 20)),
    "telephone (300 to 3400 Hz)": lambda x, rng: trim(band(x, 300, 3400)),
    "WebRTC noise suppression, strong": lambda x, rng: trim(suppressed(x, 4)),
    "WebRTC noise suppression, strong, after noise at 10 dB": lambda x, rng: trim(
        suppressed(with_noise(x, coloured_noise(x.size, rng, 1.0), 10), 4)
    ),
}


def _chords(rng: np.random.Generator) -> FloatArray:
    """Music without a voice: four decaying chords of six partials each."""
    t = np.arange(_STRETCH // 4) / SAMPLE_RATE_HZ
    parts = []
    for _ in range(4):
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        notes = [root * ratio * partial for ratio in (1, 1.26, 1.5) for partial in (1, 2)]
        parts.append(sum(np.sin(2 * np.pi * note * t) / (1 + i) for i, note in enumerate(notes)) * np.exp(-2 * t))
    return np.asarray(0.1 * np.concatenate(parts), np.float32)


def _speech(rng: np.random.Generator) -> FloatArray:
    test = set(read_splits()["test"])
    paths = [clip.path for clip in read_clips("cremad") if clip.speaker in test]
    return trim(read_audio(str(rng.choice(paths))))


def _cross_talk(rng: np.random.Generator) -> FloatArray:
    first, second = _speech(rng), _speech(rng)
    return with_noise(first, second, 0.0)


def _breath(rng: np.random.Generator) -> FloatArray:
    """Breathing as shaped noise, in and out: synthesised, because no recording with fitting terms was at hand."""
    noise = band(coloured_noise(_STRETCH, rng, 0.5), 300, 3500)
    return np.asarray(noise * np.abs(np.sin(np.linspace(0, 2 * np.pi, _STRETCH))) * 0.05, np.float32)


SYNTHESISED: Final[dict[str, Callable[[np.random.Generator], FloatArray]]] = {
    "silence (digital)": lambda rng: np.zeros(_STRETCH, np.float32),
    "white noise": lambda rng: 0.05 * coloured_noise(_STRETCH, rng, 0.0),
    "pink noise": lambda rng: 0.05 * coloured_noise(_STRETCH, rng, 1.0),
    "mains hum": lambda rng: np.sin(2 * np.pi * 50 * np.arange(_STRETCH) / SAMPLE_RATE_HZ).astype(np.float32) * 0.1,
    "chords (music without a voice)": _chords,
    "breathing": _breath,
}
CONFUSING: Final[dict[str, Callable[[np.random.Generator], FloatArray]]] = {
    "cross-talk of two voices, equally loud": _cross_talk,
    "0.25 s of speech": lambda rng: _speech(rng)[4_000:8_000],
}


def held_out_sounds() -> dict[str, list[FloatArray]]:
    """Kind of sound → stretches of 3 s of ESC-10's fold that nothing was trained or chosen with."""
    found: dict[str, list[FloatArray]] = {}
    for path in read_sounds(HELD_OUT_FOLD):
        samples = read_audio(path)
        pieces = [samples[start : start + _STRETCH] for start in (0, samples.size // 3)]
        found.setdefault(path.split("/")[1].split("-")[0], []).extend(pieces)
    return found
