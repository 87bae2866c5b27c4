"""Sounds without a voice that people send: music, typing, fans, and the recordings of ESC-10."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.level_recordings import coloured_noise
from ser_track.chunk import SAMPLE_RATE_HZ, FloatArray
from training.corpora import read_audio

SECONDS: Final = 60
_EVERY: Final = 4
"""Of ESC-10's forty recordings of a class, every fourth is used."""
_ROOM_DB: Final = -65.0
_CHORD_HZ: Final = (220.0, 174.6, 261.6, 196.0)
_INTERVALS: Final = (1.0, 1.26, 1.5)
_HARMONICS: Final = range(1, 6)


def made() -> dict[str, FloatArray]:
    """Sounds that need no recordings, each in the noise of a quiet room."""
    n = SECONDS * SAMPLE_RATE_HZ
    sounds: dict[str, NDArray[np.floating]] = {
        "music, dense, with drums": _music(n, 118.0, drums=True, swells=False),
        "music, slow chords": _music(n, 60.0, drums=False, swells=False),
        "music, rising and falling": _music(n, 96.0, drums=False, swells=True),
        "typing, 3 keys a second": _typing(n, 3.0),
        "typing, 6 keys a second": _typing(n, 6.0),
        "fan at -40 dBFS": coloured_noise(np.random.default_rng(5), n, -40.0),
    }
    room = coloured_noise(np.random.default_rng(6), n, _ROOM_DB)
    return {name: np.asarray(sound + room, np.float32) for name, sound in sounds.items()}


def recorded(folder: Path) -> dict[str, FloatArray]:
    """ESC-10 by class, some recordings of each one after the other; empty if it is not there."""
    sounds: dict[str, list[FloatArray]] = {}
    for path in sorted((folder / "esc10").glob("*.opus")):
        sounds.setdefault(path.name.split("-")[0], []).append(read_audio(str(path.resolve())))
    together = {name: np.concatenate(pieces[::_EVERY]) for name, pieces in sounds.items()}
    return {
        f"ESC-10, {name}": sound + coloured_noise(np.random.default_rng(7), len(sound), _ROOM_DB)
        for name, sound in together.items()
    }


def _music(n: int, beats_per_minute: float, drums: bool, swells: bool) -> NDArray[np.floating]:
    """Chords at -25 dBFS, one a beat: plucked, or bowed and louder towards every eighth beat."""
    dice, out = np.random.default_rng(1), np.zeros(n)
    beat = round(60 / beats_per_minute * SAMPLE_RATE_HZ)
    for number, begin in enumerate(range(0, n - beat, beat)):
        passed = np.arange(min(2 * beat, n - begin)) / SAMPLE_RATE_HZ
        root = _CHORD_HZ[number // 4 % 4]
        envelope = np.exp(-1.5 * passed) * np.minimum(passed / (0.08 if swells else 0.005), 1)
        envelope *= 0.3 + 0.1 * (number % 8) if swells else 1.0
        tones = (ratio * harmonic for ratio in _INTERVALS for harmonic in _HARMONICS)
        sound = np.zeros(len(passed))
        for tone in tones:
            sound += envelope * np.sin(2 * np.pi * root * tone * passed + dice.uniform(0, 6)) / tone
        if drums:
            sound += 3 * np.exp(-25 * passed) * np.sin(2 * np.pi * 60 * passed)
            sound += number % 2 * 2 * np.exp(-30 * passed) * dice.standard_normal(len(passed))
        out[begin : begin + len(passed)] += sound
    out = np.tanh(out / np.std(out))  # as recordings are: brought to one loudness
    out *= 10 ** (-25 / 20) / np.sqrt(np.mean(out**2))
    return out


def _typing(n: int, keys_per_s: float) -> NDArray[np.floating]:
    """Keys that go down and up again, with peaks of -25 to -17 dBFS."""
    dice, out, at_s = np.random.default_rng(2), np.zeros(n), 0.0
    passed = np.arange(SAMPLE_RATE_HZ // 20) / SAMPLE_RATE_HZ
    while (at_s := at_s + max(0.06, dice.exponential(1 / keys_per_s))) < n / SAMPLE_RATE_HZ - 0.2:
        for begin_s, loud in ((at_s, 1.0), (at_s + dice.uniform(0.05, 0.09), 0.5)):
            click = loud * dice.uniform(0.4, 1) * dice.standard_normal(len(passed))
            begin = round(begin_s * SAMPLE_RATE_HZ)
            out[begin : begin + len(passed)] += click * np.exp(-dice.uniform(80, 200) * passed)
    out *= 10 ** (-25 / 20)
    return out
