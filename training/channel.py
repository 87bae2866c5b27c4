"""What a spectrum goes through before a network sees it in training: a throat, a microphone, noise, and its level."""

from typing import Final

import numpy as np

from ser_track.chunk import FloatArray
from ser_track.models.log_mel import N_MELS

TOP: Final = 1.25  # the loudest cell, and 80 dB below it: as in ser_track.models.log_mel
FLOOR: Final = TOP - 2.0


def levelled(spectrum: FloatArray) -> FloatArray:
    """[T, 80] with its loudest cell and its floor where the front-end puts them."""
    return np.asarray(np.maximum(spectrum + (TOP - spectrum.max()), FLOOR), np.float32)


def overlaid(first: FloatArray, second: FloatArray, gain_db: float) -> FloatArray:
    """Two levelled spectra [T, 80] at once, the second louder by gain_db, for as long as the shorter one lasts."""
    n = min(len(first), len(second))
    power = 10.0 ** (4.0 * first[:n]) + 10.0 ** (4.0 * second[:n] + gain_db / 10.0)  # values are log10(power) / 4
    return levelled(np.asarray(np.log10(power) / 4.0, np.float32))


class Channel:
    """A throat, a microphone and its surroundings, drawn: longer or shorter, a smooth curve, steady noise."""

    def __init__(self, rng: np.random.Generator) -> None:
        # Vocal tract length perturbation (Jaitly and Hinton 2013), on mel bands instead of hertz.
        at = np.clip(np.arange(N_MELS) * (rng.uniform(0.9, 1.1) if rng.random() < 0.6 else 1.0), 0, N_MELS - 1.001)
        self._below = at.astype(np.int64)
        self._share = (at - self._below).astype(np.float32)
        n = int(rng.integers(5, 9))
        knots = rng.uniform(-0.3, 0.3, n) * rng.random() if rng.random() < 0.7 else np.zeros(n)  # 0.3 is 12 dB
        self._tilt = np.interp(np.linspace(0, n - 1, N_MELS), np.arange(n), knots).astype(np.float32)
        self._noise: FloatArray | None = None
        if rng.random() < 0.4:
            slope = np.interp(np.linspace(0, 2, N_MELS), np.arange(3), rng.normal(0.0, 0.15, 3))
            self._noise = (TOP - rng.uniform(0.9, 1.8) + slope).astype(np.float32)

    def __call__(self, spectrum: FloatArray, rng: np.random.Generator) -> FloatArray:
        spectrum = spectrum[:, self._below] * (1 - self._share) + spectrum[:, self._below + 1] * self._share
        heard = spectrum + self._tilt
        if self._noise is not None:  # log10(power) / 4; a band's power of noise is exponentially distributed
            power = rng.exponential(1.0, heard.shape).astype(np.float32) * 10.0 ** (4.0 * self._noise)
            heard = np.log10(10.0 ** (4.0 * heard) + power) / 4.0
        return np.asarray(heard, np.float32)
