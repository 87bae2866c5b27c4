"""Recordings with long pauses, made of emotional speech and noise, as packets with the level that a browser gives."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from ser_track.models.trimming import voiced_part
from ser_track.protocols import VoiceDetector
from ser_track.rtp.header import SILENT_LEVEL, Arrival
from training.corpora import read_audio
from training.opus import FRAME_SAMPLES, encoded

TICKS: Final = 960
"""RTP time of 20 ms."""
FRAME_S: Final = 0.02
_BIT_RATE: Final = 32_000
_CLIPS_EACH: Final = 8
_CORPORA: Final = ("cremad", "ravdess", "javanese")
_VOICED_PER_CLIP: Final = 0.55
"""About the share of a clip that is voiced: pauses are made so that a known share of the recording is."""
_QUIETEST_DB: Final = 12.0
_FADE: Final = SAMPLE_RATE_HZ // 100


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One person's audio, as recorded (``clean``) and as a microphone in a room would give it (``heard``)."""

    name: str
    clean: FloatArray
    heard: FloatArray

    def with_noise(self, noise_dbfs: float) -> FloatArray:
        """``heard`` in steady noise of this level, which has less power at high frequencies, as that of rooms has."""
        dice = np.random.default_rng(len(self.heard))
        return self.heard + coloured_noise(dice, len(self.heard), noise_dbfs)


def coloured_noise(dice: np.random.Generator, n: int, dbfs: float) -> FloatArray:
    """``[n]`` samples of noise that falls by 3 dB per octave above 200 Hz."""
    spectrum = np.fft.rfft(dice.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ), 200.0))
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2)), np.float32)


def choose(folder: Path, clips: int, seed: int) -> tuple[list[list[Path]], list[list[Path]]]:
    """Two halves of clips, each eight of one speaker's; no speaker is in both.

    Raises:
        SystemExit: the folder has no corpora.
    """
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        raise SystemExit(f"{folder} has no manifest.csv: give the folder of the corpora with --corpora")
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] in _CORPORA]
    speakers: dict[str, list[Path]] = {}
    for row in rows:
        speakers.setdefault(row["speaker"], []).append((folder / row["path"]).resolve())
    dice = np.random.default_rng(seed)
    names = [name for name in sorted(speakers) if len(speakers[name]) >= _CLIPS_EACH]
    dice.shuffle(names)
    sets = [
        [speakers[name][n] for n in dice.choice(len(speakers[name]), _CLIPS_EACH, replace=False)]
        for name in names[: clips // _CLIPS_EACH]
    ]
    return sets[: len(sets) // 2], sets[len(sets) // 2 :]


def build(paths: Sequence[Path], voiced_share: float, seed: int) -> Recording:
    """One recording: each clip at a gain of 0 to -12 dB, between pauses."""
    dice = np.random.default_rng(seed)
    clean, heard = list[FloatArray](), list[FloatArray]()
    for path in paths:
        clip = read_audio(str(path))
        clip[:_FADE] *= np.linspace(0, 1, _FADE, dtype=np.float32)
        clip[-_FADE:] *= np.linspace(1, 0, _FADE, dtype=np.float32)
        pause = round(len(clip) * (_VOICED_PER_CLIP / voiced_share - 1))
        before = round(pause * dice.uniform(0.2, 0.8))
        around = np.zeros(before, np.float32), np.zeros(max(0, pause - before), np.float32)
        gain = np.float32(10 ** (-dice.uniform(0, _QUIETEST_DB) / 20))
        clean += [around[0], clip, around[1]]
        heard += [around[0], clip * gain, around[1]]
    return Recording(paths[0].stem, np.concatenate(clean), np.concatenate(heard))


def monologue(paths: Sequence[Path], detector: VoiceDetector) -> Recording:
    """One recording of nothing but the voiced parts of the clips, one after the other, twice."""
    parts = [voiced_part(detector, read_audio(str(path))) for path in paths]
    whole = np.concatenate([*parts, *parts])
    return Recording(paths[0].stem, whole, whole)


def level_of(frame: FloatArray) -> int:
    """The level of one packet's samples in -dBov (RFC 6464), as browsers compute it from what they encode."""
    power = float(np.mean(np.square(frame, dtype=np.float64)))
    return SILENT_LEVEL if power <= 0 else int(np.clip(-10 * np.log10(power) + 0.5, 0, SILENT_LEVEL))


def packets(samples: FloatArray, level: bool = True) -> list[Arrival]:
    """``samples`` as a sender's packets of 20 ms, each with its level."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    frames = np.clip(frames, -1, 1)
    levels = [level_of(frame) if level else None for frame in frames]
    payloads = encoded(np.ascontiguousarray(frames), _BIT_RATE, dtx=False)
    return [
        Arrival(1, n & 0xFFFF, n * TICKS & 0xFFFFFFFF, payload, n * FRAME_S, levels[n])
        for n, payload in enumerate(payloads)
    ]
