"""The emotion model's front-end: level-blind log-mel spectra with numpy alone.

The bands are Whisper's (16 kHz, Hann window of 25 ms, hop of 10 ms, 80 Slaney bands up to 8 kHz;
Radford et al. 2022, https://arxiv.org/abs/2212.04356, and its MIT-licensed code), because the encoder
was trained on them. What differs is the level: Whisper's values follow the microphone's gain, ours do
not. The loudest cell of every segment is put at one fixed value, so that near and far, loud and soft
capture look alike. Training imports this very module: change it, and FRONT_END must change too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ser_track.chunk import SAMPLE_RATE_HZ
from ser_track.errors import AudioError

FRONT_END: Final = "log-mel-80-peak@1"
N_MELS: Final = 80

_WINDOW: Final = 400
_HOP: Final = 160
_MIN_SAMPLES: Final = 3 * _HOP  # two frames and a whole window
_BLOCK: Final = 16
_SILENT_PEAK: Final = 1e-7  # -140 dBFS, below one step of 24 bits: digital silence, not speech

# On the scale of log10(power) / 4, on which the encoder was trained: near what it saw for speech of
# ordinary level, and 80 dB below.
_TOP: Final = 1.25
DYNAMIC_RANGE_DB: Final = 80.0


def _hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear below 1 kHz (15 mel), 27 mel per factor of 6.4 above (Auditory Toolbox, 1998)."""
    above = 15.0 + 27.0 * np.log(np.maximum(hz, 1000.0) / 1000.0) / np.log(6.4)
    return np.where(hz < 1000.0, hz * 0.015, above)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = 1000.0 * 6.4 ** ((np.maximum(mel, 15.0) - 15.0) / 27.0)
    return np.where(mel < 15.0, mel / 0.015, above)


def _mel_filters() -> NDArray[np.float32]:
    """[201, 80]: triangles of equal area, each from its lower to its upper neighbour's centre."""
    bins = np.linspace(0.0, SAMPLE_RATE_HZ / 2, _WINDOW // 2 + 1)[:, None]
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(np.array([SAMPLE_RATE_HZ / 2]))[0], N_MELS + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return (np.clip(np.minimum(rising, falling), 0.0, None) * 2.0 / (high - low)).astype(np.float32)


_FILTERS: Final = _mel_filters()
_HANN: Final = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


def _mel_power(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n] → [T, 80] power; frames are centred, the edges mirrored, as in the encoder's training."""
    n_frames = len(samples) // _HOP & ~1  # even, because the encoder halves the rate
    mirrored = np.pad(samples, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, _WINDOW)[::_HOP][:n_frames]
    spectrum = np.fft.rfft(frames * _HANN, axis=1)
    power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)  # NumPy 1 transforms in double precision
    # In blocks too small for OpenBLAS to bring in its threads: they spin, and cost more than they save.
    return np.concatenate([power[first : first + _BLOCK] @ _FILTERS for first in range(0, n_frames, _BLOCK)])


def log_mel(samples: NDArray[np.float32], dynamic_range_db: float = DYNAMIC_RANGE_DB) -> NDArray[np.float32]:
    """Level-blind log-mel spectrum of one segment.

    samples: [n] at 16 kHz, any level; segments shorter than 30 ms are padded with zeros.
    dynamic_range_db: what lies further below the loudest cell is raised to that floor.
    Returns [80, T] with T even and 10 ms per frame; its maximum is 1.25, and 40 dB are 1.0. Digital
    silence is the floor throughout. Raises AudioError on samples that are empty or not finite.
    """
    if samples.ndim != 1 or samples.size == 0:
        raise AudioError(f"a segment must be [n] samples with n ≥ 1, not {list(samples.shape)}")
    floor = np.float32(_TOP - dynamic_range_db / 40.0)
    peak = np.abs(samples).max()
    if not np.isfinite(peak):
        raise AudioError("a segment holds NaN or infinite samples; repair its source")
    padded = np.pad(samples, (0, max(0, _MIN_SAMPLES - samples.size)))
    if peak < _SILENT_PEAK:
        return np.full((N_MELS, padded.size // _HOP & ~1), floor, dtype=np.float32)
    power = _mel_power((padded / peak).astype(np.float32, copy=False))
    level = np.log10(np.maximum(power, np.finfo(np.float32).tiny)).T / np.float32(4.0)
    level += np.float32(_TOP) - level.max()
    return np.maximum(level, floor)
